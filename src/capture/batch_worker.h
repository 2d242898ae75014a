// One device with the model on it: computes batches of documents, one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "capture/block_collector.h"
#include "capture/memory_plan.h"
#include "capture/prepared_run.h"
#include "capture/run_options.h"
#include "capture/tokenized_document.h"
#include "model/bound_model.h"

namespace qk {

class BatchWorker {
 public:
  struct Hooks {
    BlockCollector::Sink sink;
    std::function<void()> restart;     // what the sink took of this batch is void
    std::function<void(double)> show;  // the part of the forward pass that is done, in [0, 1]
    std::function<void(const std::string&)> warn;
  };

  // What a batch adds to the counts of a run; times.forward includes the sink's.
  struct Result {
    std::vector<DocumentEnd> ends;
    CaptureCounts counts;
    // What it took, with the journal's part, for one of its tokens; 0: it has none.
    double seconds_of_token() const;
  };

  // REQUIRES: the references outlive the worker.
  BatchWorker(const PreparedRun& run, const RunOptions& options, const MemoryPlan& memory,
              int device, ThreadPool& pool);

  // Throws Error. A document with a vector that is not finite is left out if the run says so; then
  // the batch begins again.
  Result compute(std::vector<TokenizedDocument> documents, const Hooks& hooks);

 private:
  void forward_batch(std::span<const TokenizedDocument> documents, const BatchRequest& request,
                     BlockCollector& collector, const Hooks& hooks, CaptureCounts& counts);
  void look_at_memory(CaptureCounts& counts) const;
  void skip_not_finite(const NotFinite& fault, TokenizedDocument& document,
                       const Hooks& hooks) const;

  const PreparedRun& run_;
  const MemoryPlan& memory_;
  BoundModel model_;
};

}  // namespace qk
