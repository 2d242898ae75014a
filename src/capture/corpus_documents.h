// The documents of the corpus itself, or of a shard of it, as far as they have not been captured.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "capture/document_source.h"
#include "capture/prepared_run.h"
#include "capture/shard.h"

namespace qk {

class CorpusDocuments : public DocumentSource {
 public:
  // done: documents that are left out, ascending. REQUIRES: the run outlives the object, and nobody
  // else reads its corpus.
  CorpusDocuments(const PreparedRun& run, std::vector<int64_t> done,
                  std::optional<Shard> shard = {});

  std::optional<Document> next(bool wait) override;

  // Of the corpus, that were read so far, those that are left out among them.
  int64_t num_read() const { return num_read_; }
  // [num_read()] their names; empty with compat: reference, which has no use for them.
  const std::vector<std::string>& names() const { return names_; }

 private:
  bool is_wanted(const Document& document) const;

  const PreparedRun& run_;
  std::vector<int64_t> done_;
  std::optional<Shard> shard_;
  bool at_end_ = false;
  int64_t num_read_ = 0;
  std::vector<std::string> names_;
};

}  // namespace qk
