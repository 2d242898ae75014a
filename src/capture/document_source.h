// Where a run gets its documents: its corpus, a shard of it, or another rank.
#pragma once

#include <optional>

#include "corpus/corpus.h"

namespace qk {

// Threads: one at a time, but for cancel(): any.
class DocumentSource {
 public:
  virtual ~DocumentSource() = default;
  // The next document. None with `wait`: there are no more. None without: there is none now.
  // Throws Error as Corpus::next does.
  virtual std::optional<Document> next(bool wait) = 0;
  // No document is wanted any more: a next() that waits gives none, and so do all later ones. For a
  // source that never waits there is nothing to do.
  virtual void cancel() {}
};

}  // namespace qk
