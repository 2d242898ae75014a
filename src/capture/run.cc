#include "capture/run.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/process_memory.h"
#include "capture/memory_plan.h"
#include "capture/resume.h"
#include "capture/run_clock.h"
#include "capture/run_steps.h"
#include "dataset/overwrite.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// Of a finished dataset that --resume finds. Throws Error unless it is whole and of this run.
//   there     its provenance
//   why_here  as in provenance_difference
void check_finished(const fs::path& folder, const std::string& there, const RunRecord& record,
                    const std::string& why_here) {
  const std::string difference = provenance_difference(there, record.provenance, why_here);
  if (!difference.empty()) {
    fail("{}: --resume found no journal but the finished dataset of another run: {}",
         folder.string(), difference);
  }
  const std::string missing = missing_of_dataset(folder);
  if (!missing.empty()) {
    fail(
        "{}: --resume found no journal but the finished dataset of this run, of which {}: "
        "--overwrite captures it again",
        folder.string(), missing);
  }
}

Start start_of(const RunOptions& options, bool resumes) {
  if (resumes) return Start::kResume;
  return options.overwrite ? Start::kOverwrite : Start::kNew;
}

MemoryPlan plan_that_fits(const PreparedRun& run, const RunOptions& options) {
  // Torch frees and takes the tensors of each operation anew, which the C library would keep.
  const bool on_torch = options.backend().traits.rows_depend_on_shape;
  if (options.ram_bytes > 0 || on_torch) return_freed_memory();
  MemoryPlan memory = plan_memory(run, options);
  if (!memory.fits) fail("{}: {}", memory.option, memory.advice);
  return memory;
}

}  // namespace

RunReport run_capture(const PreparedRun& run, const RunOptions& options) {
  const RunClock total;
  RunReport report;
  ThreadPool pool(options.num_threads);
  const MemoryPlan memory = plan_that_fits(run, options);
  const fs::path folder = run.config.output.data_root;
  const FolderLock lock(folder);
  report.journal = journal_path(folder);
  std::error_code error;
  const bool resumes = options.resume && fs::exists(report.journal, error);
  const RunContext context{run, options, memory, pool, resumes};
  const std::string finished = options.resume && !resumes ? provenance_of_dataset(folder) : "";
  if (finished.empty()) {
    prepare_output_folder(folder, start_of(options, resumes));
    if (!run.config.compat_reference) refuse_foreign_document_table(folder);
  }
  report.resumed = resumes;
  RunClock watch;
  RunRecord record;
  try {
    record = identify_run(context);
  } catch (const Stopped&) {
    report.stopped = true;
    return report;
  }
  report.times.identify = watch.lap();
  if (!finished.empty()) {
    check_finished(folder, finished, record, options.device_reason());
    report.was_whole = true;
    return report;
  }
  const Captured captured = capture_documents(context, record);
  report.stopped = captured.stopped;
  report.counts = captured.counts;
  if (!captured.stopped) {
    watch.lap();
    Finished made = make_dataset(context, record, captured);
    report.stopped = made.stopped;
    report.documents = made.documents;
    report.dataset = std::move(made.dataset);
    report.times.write = watch.lap();
  }
  report.times.total = total.seconds();
  if (const auto now = process_memory()) report.peak_bytes = now->peak;
  return report;
}

}  // namespace qk
