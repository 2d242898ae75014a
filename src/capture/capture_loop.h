// The part of a run that computes: documents from the corpus, through the model, into the journal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "capture/batch_request.h"
#include "capture/block_collector.h"
#include "capture/document_reader.h"
#include "capture/memory_plan.h"
#include "capture/prepared_run.h"
#include "capture/run_clock.h"
#include "capture/run_options.h"
#include "journal/journal.h"

namespace qk {

class CaptureLoop {
 public:
  //   done    documents that are whole in the journal, ascending
  //   before  their counts
  // REQUIRES: the references outlive the loop.
  CaptureLoop(const PreparedRun& run, const RunOptions& options, const MemoryPlan& memory,
              ThreadPool& pool, std::span<const int64_t> done, const CaptureCounts& before);

  // Until the corpus ends (true) or the run is asked to stop (false). Throws Error.
  bool run(JournalWriter& journal);

  // Of the documents that are whole in the journal, also after an Error.
  const CaptureCounts& counts() const { return counts_; }
  // As DocumentReader::names(). REQUIRES: run() returned true.
  const std::vector<std::string>& document_names() const { return reader_.names(); }

 private:
  void compute(std::vector<TokenizedDocument> documents, JournalWriter& journal);
  void forward_batch(std::span<const TokenizedDocument> documents, const BatchRequest& request,
                     BlockCollector& collector);
  void skip_not_finite(const NotFinite& fault, TokenizedDocument& document) const;
  void look_at_memory();
  // part: of the batch in progress that is done, in [0, 1]
  void show(double part = 0) const;

  const PreparedRun& run_;
  const RunOptions& options_;
  const MemoryPlan& memory_;
  BoundModel model_;
  DocumentReader reader_;
  std::optional<int64_t> num_documents_;            // in all, if known
  int64_t batch_documents_ = 0, batch_tokens_ = 0;  // of the batch in progress
  CaptureCounts counts_;
  RunClock clock_;
};

}  // namespace qk
