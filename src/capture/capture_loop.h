// The part of a run that computes: documents from their source, through the model, into a journal.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
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
  //   before  counts of the documents that were captured before
  // REQUIRES: the references outlive the loop.
  CaptureLoop(const PreparedRun& run, const RunOptions& options, const MemoryPlan& memory,
              ThreadPool& pool, DocumentSource& source, const CaptureCounts& before);

  // Documents that are whole and safe in the journal, and what they add to the counts; the times with
  // those of the journal.
  using Ended = std::function<void(const BatchWorker::Result&)>;

  // Until the source ends (true), or the run is asked to stop or out of time (false). Throws Error.
  bool run(JournalWriter& journal, const Ended& ended = {});

  // Of all documents, also after an Error.
  const CaptureCounts& counts() const { return counts_; }
  // A sentence, if the time limit ended the loop.
  const std::string& out_of_time() const { return out_of_time_; }

 private:
  void run_alone(JournalWriter& journal);  // on one device
  void run_team(JournalWriter& journal);
  // Empty: the corpus is at its end, or the run is to stop.
  std::vector<TokenizedDocument> next_batch();
  // Whether they may be begun.
  bool end_in_time(const std::vector<TokenizedDocument>& documents);
  void take_time(const BatchWorker::Result& result);
  void append(const CaptureBlock& block, JournalWriter& journal);
  void end(BatchWorker::Result&& result, JournalWriter& journal);
  // Of the batches in progress, what is done in documents and tokens.
  void show(double documents = 0, double tokens = 0) const;

  const PreparedRun& run_;
  const RunOptions& options_;
  const MemoryPlan& memory_;
  ThreadPool& pool_;
  DocumentReader reader_;
  std::optional<int64_t> num_documents_;  // in all, if known
  Ended ended_;
  double tokenize_seconds_ = 0;
  bool stopped_ = false;   // instead of a batch
  std::mutex time_mutex_;  // of options_.time_limit, which batches are taken and ended by
  std::string out_of_time_;
  CaptureCounts counts_;
  RunClock clock_;
};

}  // namespace qk
