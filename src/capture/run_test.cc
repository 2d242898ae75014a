#include "capture/run.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/test_folder.h"
#include "capture/capture_loop.h"
#include "capture/corpus_documents.h"
#include "capture/test_devices.h"
#include "capture/test_run.h"
#include "dataset/journal_files.h"

namespace qk {
namespace run_test {

// It goes on until a journal says that a dataset is replaced: --resume is to know it.
TEST(RunCapture, AnOverwriteThatStopsHasAJournal) {
  for (const StageMode mode : {StageMode::kOff, StageMode::kRam}) {
    const TestFolder model, folder;
    PreparedRun run = test_run({"w1 w2", "w3"}, model.path());
    run.config.output.data_root = (folder / "data").string();
    const std::atomic<bool> stop = true;
    RunOptions options;
    options.overwrite = true;
    options.num_threads = 1;
    options.stop = &stop;
    options.stage.mode = mode;
    const RunReport report = run_capture(run, options);
    EXPECT_TRUE(report.stopped);
    EXPECT_FALSE(report.must_overwrite);
    EXPECT_FALSE(journal_paths(run.config.output.data_root).empty());
  }
}

// Each batch has its part of what the journal took.
TEST(RunCapture, ABatchTakesTheTimeOfItsJournalToo) {
  const TestDevices two("cuda:0,1", {kCpuBackend, kCpuBackend});
  for (const TestDevices* devices : {static_cast<const TestDevices*>(nullptr), &two}) {
    const TestFolder folder;
    const PreparedRun run = test_run({words(30), words(20), words(40), words(5), words(60)});
    RunOptions options;
    options.devices = devices;
    const MemoryPlan memory;
    ThreadPool pool(1);
    CorpusDocuments source(run, {});
    CaptureLoop loop(run, options, memory, pool, source, {});
    JournalWriter journal = JournalWriter::create(folder / "journal", "{}");
    double seconds = 0;
    loop.run(journal, [&](const BatchWorker::Result& result) {
      const CaptureTimes& times = result.counts.times;
      seconds += times.journal;
      EXPECT_NEAR(result.seconds_of_token() * static_cast<double>(result.counts.num_tokens),
                  times.select + times.forward + times.journal, 1e-9);
    });
    EXPECT_GT(seconds, 0);
    EXPECT_NEAR(seconds, loop.counts().times.journal, 1e-9);
  }
}

}  // namespace run_test
}  // namespace qk
