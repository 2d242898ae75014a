// A rank's own work: what it does in each stage of a run. Threads: one.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/thread_pool.h"
#include "capture/memory_plan.h"
#include "capture/prepared_run.h"
#include "capture/run_options.h"
#include "cluster/crew.h"
#include "dataset/dataset_writing.h"
#include "journal/journal_set.h"
#include "ranks/rank_stages.h"
#include "ranks/rank_staging.h"
#include "ranks/weight_spread.h"

namespace qk {

class RankWorker {
 public:
  // REQUIRES: all outlive the object.
  RankWorker(const PreparedRun& run, const RunOptions& options, Worker& worker);

  // Until the run is over. Throws Error.
  void work();
  // This rank heard that documents were dealt, so there are journals of this start.
  bool has_journal() const { return !journal_.empty(); }

 private:
  void begin(StageKind kind, std::string_view body);
  // Does every task of the stage that this rank gets.
  template <typename Answer>
  void do_tasks(const Answer& answer);
  void agree(const AgreeStage& stage);
  void stage_weights_here();
  void receive_weights_here(const SpreadStage& stage);
  void probe_ranks();
  void digest_files();
  void scan_journals(double wait_seconds);
  void capture(const DocumentsStage& stage);
  void send_own_journal();
  void write_units(WriteStage stage);
  ThreadPool& pool();
  const MemoryPlan& memory();

  const PreparedRun& run_;
  RunOptions options_;
  Worker& worker_;
  std::unique_ptr<ThreadPool> pool_;
  std::optional<MemoryPlan> memory_;
  double see_seconds_ = 90;  // AgreeStage::wait_seconds
  std::optional<StagedFiles> staged_;
  std::filesystem::path journal_;  // of this rank; empty before it captures
  std::unique_ptr<JournalSet> journals_;
  std::unique_ptr<DatasetWriting> writing_;  // of files from journals_
};

}  // namespace qk
