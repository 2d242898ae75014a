// The documents of a run, tokenised, in batches, one batch ahead of the one that is computed.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "capture/document_source.h"
#include "capture/memory_plan.h"
#include "capture/prepared_run.h"
#include "capture/tokenized_document.h"

namespace qk {

// While a batch is computed, one further thread reads and tokenises the next one. With a budget a
// text that needs more memory than the plan has for it waits until the batch has been computed.
//
// Threads: next_batch() is called by one thread at a time, cancel() by any. The source is the reader's alone until it is
// destroyed; destruction cancels, and waits for the document in progress.
class DocumentReader {
 public:
  // stop: once it is true, no further document is read. REQUIRES: all arguments outlive the reader.
  DocumentReader(const PreparedRun& run, const MemoryPlan& memory, DocumentSource& source,
                 const std::atomic<bool>* stop = nullptr);
  DocumentReader(const DocumentReader&) = delete;
  DocumentReader& operator=(const DocumentReader&) = delete;
  ~DocumentReader();

  // Within the plan's limits, and no more than the source has now; empty at its end, or after
  // `stop`. Throws Error naming the document (cannot be read or tokenised, ids that the model lacks,
  // too large for the budget) in place of the batch that it belongs to; nothing can be read after
  // that.
  std::vector<TokenizedDocument> next_batch();
  // No further document is read; nor is one waited for.
  void cancel();

 private:
  struct Batch {
    std::vector<TokenizedDocument> documents;
    int64_t num_tokens = 0;
  };

  // Adds documents until the batch is full or the source has none; beside the forward pass it also
  // ends where a text must wait.
  void fill(Batch& batch, bool beside_forward);
  // Fills next_; with `wait` waits for a document. False if it cannot for now.
  bool tokenize_next(bool beside_forward, bool wait);
  std::optional<Document> read_text(bool wait);
  bool is_stopped() const;
  bool must_wait(const Document& document) const;
  TokenizedDocument tokenize(const Document& document) const;
  void check_text_size(const Document& document) const;
  void check_ids(const Document& document, std::span<const int32_t> ids) const;

  const PreparedRun& run_;
  const MemoryPlan& memory_;
  DocumentSource& source_;
  std::optional<Document> text_;           // read, not yet tokenised
  std::optional<TokenizedDocument> next_;  // tokenised, not yet in a batch
  bool at_end_ = false;
  const std::atomic<bool>* stop_;
  std::atomic<bool> cancelled_ = false;
  std::future<Batch> ahead_;
};

}  // namespace qk
