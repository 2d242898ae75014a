// The part of a run that computes: documents from the corpus, through the model, into the journal.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "capture/document_batch.h"
#include "capture/run.h"
#include "journal/journal.h"

namespace qk {

class RunClock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  // Seconds since the last lap.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(lap_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point lap_ = start_;
};

struct MemoryPlan;

class CaptureLoop {
 public:
  //   done  documents that are whole in the journal, ascending
  // Counts go to `report`.
  CaptureLoop(PreparedRun& run, const RunOptions& options, const MemoryPlan& memory,
              ThreadPool& pool, std::span<const int64_t> done, RunReport& report);

  // Until the corpus ends (true) or the run is asked to stop (false). Throws Error.
  bool run(JournalWriter& journal);

 private:
  std::vector<TokenizedDocument> next_batch();
  std::optional<TokenizedDocument> next_document();
  TokenizedDocument tokenize(const Document& document);
  void check_ids(const Document& document, std::span<const int32_t> ids) const;
  void compute(std::vector<TokenizedDocument> documents, JournalWriter& journal);
  void forward_batch(DocumentBatch& batch, JournalWriter& journal);
  void skip_not_finite(const NotFinite& fault, TokenizedDocument& document) const;
  void check_text_size(const Document& document) const;
  void look_at_memory() const;
  bool stop_wanted() const;
  // part: of the batch in hand that is done, in [0, 1]
  void tell(double part = 0) const;

  PreparedRun& run_;
  const RunOptions& options_;
  const MemoryPlan& memory_;
  BoundModel model_;
  std::span<const int64_t> done_;
  RunReport& report_;
  std::optional<int64_t> num_documents_;         // in all, if known
  std::optional<TokenizedDocument> next_;        // read, but not in the batch any more
  int64_t num_tokens_done_ = 0;                  // of finished documents
  int64_t tokens_in_hand_ = 0, batch_size_ = 0;  // of the batch
  RunClock clock_;
};

}  // namespace qk
