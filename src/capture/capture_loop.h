// The part of a run that computes: documents from the corpus, through the model, into the journal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "capture/batch_worker.h"
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
  void run_alone(JournalWriter& journal);  // on one device
  void run_team(JournalWriter& journal);
  // Empty: the corpus is at its end, or the run is to stop.
  std::vector<TokenizedDocument> next_batch();
  void append(const CaptureBlock& block, JournalWriter& journal);
  void end(const BatchWorker::Result& result, JournalWriter& journal);
  // Of the batches in progress, what is done in documents and tokens.
  void show(double documents = 0, double tokens = 0) const;

  const PreparedRun& run_;
  const RunOptions& options_;
  const MemoryPlan& memory_;
  ThreadPool& pool_;
  DocumentReader reader_;
  std::optional<int64_t> num_documents_;  // in all, if known
  double tokenize_seconds_ = 0;
  bool stopped_ = false;  // instead of a batch
  CaptureCounts counts_;
  RunClock clock_;
};

}  // namespace qk
