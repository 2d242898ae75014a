#include "capture/run.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/process_memory.h"
#include "capture/earlier_work.h"
#include "capture/finished_before.h"
#include "capture/memory_plan.h"
#include "capture/run_clock.h"
#include "capture/run_steps.h"
#include "capture/stage_weights.h"
#include "dataset/folder_lock.h"
#include "dataset/journal_files.h"
#include "dataset/overwrite.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

Start start_of(const RunOptions& options, bool resumes) {
  if (options.shard) return Start::kShard;
  if (resumes) return Start::kResume;
  return options.overwrite ? Start::kOverwrite : Start::kNew;
}

// A shard's journal is that of this start alone; a run by itself has one for all its starts.
fs::path own_journal(const fs::path& folder, const RunOptions& options, const FolderLock& lock) {
  return options.shard ? journal_path(folder, lock.token()) : journal_path(folder);
}

void refuse_nothing_to_finish(const fs::path& folder, const RunOptions& options, bool resumes) {
  if (!options.finish || resumes) return;
  fail("--finish: {} holds no journal and no finished dataset: run the shards first",
       folder.string());
}

void take(const Captured& captured, RunReport& report) {
  report.stopped = captured.stopped;
  report.out_of_time = captured.out_of_time;
  report.counts = captured.counts;
  report.missing = captured.missing;
  report.num_shards = captured.num_shards;
}

void take(Finished&& made, RunReport& report) {
  report.stopped = made.stopped;
  report.documents = made.documents;
  report.dataset = std::move(made.dataset);
}

void capture(const RunContext& context, const RunRecord& record, RunReport& report) {
  const Captured captured = capture_documents(context, record);
  take(captured, report);
  if (captured.stopped || context.options.shard) return;
  const RunClock watch;
  take(make_dataset(context, record, captured), report);
  report.times.write = watch.seconds();
}

// From the journals as they are.
void finish(const RunContext& context, const RunRecord& record, RunReport& report) {
  const std::optional<JournalSet> journals = open_earlier_journals(context, record);
  if (!journals)
    refuse_nothing_to_finish(context.run.config.output.data_root, context.options, false);
  const Captured captured = collect_documents(context, record, *journals);
  take(captured, report);
  if (!captured.missing.empty()) return;
  const RunClock watch;
  take(make_dataset(context, record, captured, *journals), report);
  report.times.write = watch.seconds();
}

// Returns the digests of the weights, if they were read for this.
std::map<fs::path, std::string> stage(const RunContext& context, RunReport& report) {
  if (!report.stage.warning.empty() && context.options.warn) {
    context.options.warn(report.stage.warning);
  }
  if (!report.stage.stages()) return {};
  const RunClock watch;
  const StagedFiles staged = stage_weights(context, report.stage);
  for (const StagedFile& file : staged.files) report.staged_bytes += file.bytes;
  report.times.stage = watch.seconds();
  return staged.digests();
}

}  // namespace

RunReport run_capture(const PreparedRun& run, const RunOptions& options) {
  const RunClock total;
  RunReport report;
  ThreadPool pool(options.num_threads);
  const MemoryPlan memory = plan_that_fits(run, options);
  if (!options.finish) report.stage = choose_stage(run, options, memory);
  const fs::path folder = run.config.output.data_root;
  const OwnerWait wait{.warn = options.warn, .check = [&] { check_stop(options); }};
  const FolderLock lock(folder, options.shard ? Sharing::kShared : Sharing::kAlone, wait);
  report.journal = own_journal(folder, options, lock);
  const bool resumes = options.continues() && !journal_paths(folder).empty();
  const RunContext context{run, options, memory, pool, resumes, report.journal};
  const std::string finished = finished_before(folder, options, resumes);
  if (finished.empty()) {
    refuse_nothing_to_finish(folder, options, resumes);
    prepare_output_folder(folder, start_of(options, resumes));
    if (!run.config.compat_reference) refuse_foreign_document_table(folder);
  }
  report.resumed = resumes;
  try {
    std::map<fs::path, std::string> digests;
    if (finished.empty()) digests = stage(context, report);
    const RunClock watch;
    const RunRecord record = identify_run(context, digests);
    report.times.identify = watch.seconds();
    if (!finished.empty()) {
      check_finished(folder, finished, record.provenance, options.device_reason());
      report.was_whole = true;
      return report;
    }
    options.finish ? finish(context, record, report) : capture(context, record, report);
  } catch (const Stopped&) {
    report.stopped = true;
  }
  report.times.total = total.seconds();
  if (const auto now = process_memory()) report.peak_bytes = now->peak;
  return report;
}

}  // namespace qk
