// A rank captures the documents that it is given into its journal. Threads: one.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "capture/capture_loop.h"
#include "capture/memory_plan.h"
#include "capture/prepared_run.h"
#include "capture/run_options.h"
#include "cluster/crew.h"
#include "ranks/rank_documents.h"
#include "ranks/rank_stages.h"

namespace qk {

class RankCapture {
 public:
  struct Means {
    const PreparedRun& run;
    const RunOptions& options;
    const MemoryPlan& memory;
    ThreadPool& pool;
  };
  // REQUIRES: what the arguments refer to outlives the object.
  RankCapture(const Means& means, Worker& worker, const DocumentsStage& stage);

  // Until the stage ends. Throws Error.
  void run(const std::filesystem::path& journal);

 private:
  RunOptions loop_options();
  void show(const RunProgress& progress);
  void end(const BatchWorker::Result& result);

  Means means_;
  Worker& worker_;
  DocumentsStage stage_;
  RankDocuments documents_;
  std::atomic<bool> stop_ = false;  // the stage is over, or the run is to stop
  DocumentsAnswer pending_;         // of what no result has told yet
  double longest_task_ = 0;         // seconds
};

}  // namespace qk
