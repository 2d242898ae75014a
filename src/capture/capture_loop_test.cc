#include "capture/capture_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <ranges>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/test_error.h"
#include "capture/corpus_documents.h"
#include "capture/test_devices.h"
#include "capture/test_run.h"

namespace qk {
namespace capture_loop_test {

// A loop over the texts, and the journal that it writes.
struct Loop {
  explicit Loop(std::vector<std::string> texts) : run(test_run(std::move(texts))) {}

  bool execute(const std::vector<int64_t>& done = {}, const CaptureCounts& before = {}) {
    JournalWriter journal = JournalWriter::create(folder / "journal", "{}");
    CorpusDocuments source(run, done);
    CaptureLoop loop(run, options, memory, pool, source, before);
    const auto keep = [&] { counts = loop.counts(); };
    try {
      const bool whole = loop.run(journal);
      keep();
      return whole;
    } catch (...) {
      keep();
      throw;
    }
  }

  std::vector<int64_t> documents() const {
    std::vector<int64_t> out;
    const JournalReader journal(folder / "journal");
    for (const DocumentEnd& end : journal.documents()) out.push_back(end.document);
    return out;
  }

  TestFolder folder;
  PreparedRun run;
  RunOptions options;
  MemoryPlan memory;
  ThreadPool pool{1};
  CaptureCounts counts;
};

TEST(CaptureLoop, CountsWhatIsInTheJournal) {
  Loop loop({words(10), words(90), ""});
  std::vector<RunProgress> shown;
  loop.options.progress = [&](const RunProgress& progress) { shown.push_back(progress); };
  const CaptureCounts before = {.num_documents = 1,
                                .num_tokens = 10,
                                .num_rows = 300,
                                .num_documents_before = 1,
                                .num_tokens_before = 10};
  EXPECT_TRUE(loop.execute({0}, before));
  EXPECT_THAT(loop.documents(), testing::ElementsAre(1, 2));
  EXPECT_EQ(loop.counts.num_documents, 3);
  EXPECT_EQ(loop.counts.num_tokens, 10 + 64);
  EXPECT_EQ(loop.counts.num_computed_tokens, 64);
  EXPECT_EQ(loop.counts.num_rows, 300 + 5 * (4 + 2) * 64);  // layers, heads, tokens
  EXPECT_EQ(shown.front().done, 1);
  EXPECT_EQ(shown.front().total, 3);
  EXPECT_EQ(shown.front().num_tokens, 10);
  EXPECT_EQ(shown.front().done_before, 1);
  EXPECT_EQ(shown.front().num_tokens_before, 10);
  EXPECT_EQ(shown.back().done, 3);
  EXPECT_EQ(shown.back().in_progress, 0);
  const auto most = std::ranges::max(shown, {}, &RunProgress::in_progress);
  EXPECT_EQ(most.in_progress, 1);
  EXPECT_EQ(most.num_tokens, 74);
}

using Rows = std::map<std::pair<int64_t, int32_t>, std::vector<float>>;  // by document and position

Rows rows_of(const JournalReader& journal, int32_t layer, Kind kind, size_t head) {
  Rows out;
  for (const JournalReader::Group& group : journal.groups()) {
    if (group.layer != layer || group.kind != kind) continue;
    for (const JournalReader::Record& record : group.records) {
      const JournalReader::Entry entry = journal.entry(record);
      const auto positions = journal.columns(entry).positions;
      const auto vectors = journal.vectors(entry, head);
      const size_t dim = vectors.size() / positions.size();
      for (size_t row = 0; row < positions.size(); ++row) {
        const auto vector = vectors.subspan(row * dim, dim);
        out[{record.document, positions[row]}].assign(vector.begin(), vector.end());
      }
    }
  }
  return out;
}

// Parts of the forward pass, which takes all of its time but what the journal took.
TEST(CaptureLoop, DebugLoggingTimesTheParts) {
  Loop loop({words(60), words(50)});
  loop.run.config.inference.debug_logging = true;
  ASSERT_TRUE(loop.execute());
  const ForwardTimes& parts = loop.counts.times.parts;
  for (const double part : {parts.embedding, parts.norm, parts.linear, parts.rope, parts.attention,
                            parts.activation, parts.tap}) {
    EXPECT_GT(part, 0);
  }
  EXPECT_LE(parts.embedding + parts.norm + parts.linear + parts.rope + parts.attention +
                parts.activation + parts.tap,
            loop.counts.times.forward + loop.counts.times.journal);
  Loop quiet({words(60), words(50)});
  ASSERT_TRUE(quiet.execute());
  EXPECT_EQ(quiet.counts.times.parts.linear, 0);
  EXPECT_GT(quiet.counts.times.forward, 0);
}

// The oracle is a capture of every position.
TEST(CaptureLoop, SharedPositionsAreTheSameTokensWithTheModelsVectors) {
  const std::vector<std::string> texts = {words(60), words(33), words(64)};
  Loop all(texts);
  Loop some(texts);
  some.run.plan.capture.sampler = SamplerType::kUniform;
  some.run.plan.capture.min_bucket_size = 16;
  some.run.plan.capture.base_rate = 5;
  some.run.plan.capture.shared_positions = true;
  ASSERT_TRUE(all.execute());
  ASSERT_TRUE(some.execute());
  const JournalReader whole(all.folder / "journal");
  const JournalReader sampled(some.folder / "journal");
  const Rows first = rows_of(sampled, 0, Kind::kQuery, 0);
  ASSERT_GT(first.size(), 20U);
  ASSERT_LT(first.size(), 120U);
  for (int32_t layer = 0; layer < 5; ++layer) {
    const Rows queries = rows_of(sampled, layer, Kind::kQuery, 3);
    const Rows keys = rows_of(sampled, layer, Kind::kKey, 1);
    EXPECT_TRUE(std::ranges::equal(std::views::keys(queries), std::views::keys(first)));
    EXPECT_TRUE(std::ranges::equal(std::views::keys(keys), std::views::keys(first)));
    EXPECT_TRUE(std::ranges::includes(rows_of(whole, layer, Kind::kQuery, 3), queries));
    EXPECT_TRUE(std::ranges::includes(rows_of(whole, layer, Kind::kKey, 1), keys));
  }
}

TEST(CaptureLoop, AStopComesBetweenBatches) {
  Loop loop({words(3), words(4), words(5)});
  std::atomic<bool> stop = false;
  loop.options.stop = &stop;
  loop.options.progress = [&](const RunProgress& progress) { stop = progress.done == 2; };
  EXPECT_FALSE(loop.execute());
  EXPECT_THAT(loop.documents(), testing::ElementsAre(0, 1));
  EXPECT_EQ(loop.counts.num_documents, 2);
}

TEST(CaptureLoop, AnErrorLeavesTheCountsOfWholeDocuments) {
  Loop loop({words(3), words(4), "damaged"});
  EXPECT_THROW(loop.execute(), Error);
  EXPECT_THAT(loop.documents(), testing::ElementsAre(0, 1));
  EXPECT_EQ(loop.counts.num_documents, 2);
  EXPECT_EQ(loop.counts.num_tokens, 7);
}

std::vector<std::string> many_texts() {
  std::vector<std::string> texts;
  for (int i = 0; i < 23; ++i) texts.push_back(words(1 + (i * 17) % 60));
  texts[7] = "";
  return texts;
}

// Calls of the second of two devices. The first one waits for as many: otherwise it may be fast
// enough to compute every document alone.
std::atomic<int> calls_of_second;
std::atomic<int> calls_awaited;

std::vector<Backend> second_goes_first(int num_calls,
                                       decltype(Backend::rms_norm) second = kCpuBackend.rms_norm) {
  static decltype(Backend::rms_norm) norm_of_second;
  norm_of_second = second;
  calls_of_second = 0;
  calls_awaited = num_calls;
  Backend first = kCpuBackend, other = kCpuBackend;
  first.rms_norm = [](Context& context, ConstMatrix x, BoundVector weight, float eps, NormKind kind,
                      Matrix out) {
    for (int seen = calls_of_second; seen < calls_awaited; seen = calls_of_second) {
      calls_of_second.wait(seen);
    }
    kCpuBackend.rms_norm(context, x, weight, eps, kind, out);
  };
  other.rms_norm = [](Context& context, ConstMatrix x, BoundVector weight, float eps, NormKind kind,
                      Matrix out) {
    ++calls_of_second;
    calls_of_second.notify_all();
    norm_of_second(context, x, weight, eps, kind, out);
  };
  return {first, other};
}

// Written in the order of the corpus, whoever was first.
TEST(CaptureLoop, SeveralDevicesWriteTheJournalOfOne) {
  const TestDevices three("cuda:0,1,2", {kCpuBackend, kCpuBackend, kCpuBackend});
  for (const int64_t batch : {1, 4}) {
    Loop one(many_texts());
    one.memory.batch.documents = batch;
    EXPECT_TRUE(one.execute());
    Loop team(many_texts());
    team.memory.batch.documents = batch;
    team.options.devices = &three;
    std::vector<RunProgress> shown;
    team.options.progress = [&](const RunProgress& progress) { shown.push_back(progress); };
    EXPECT_TRUE(team.execute());
    EXPECT_EQ(read_file(one.folder / "journal"), read_file(team.folder / "journal"));
    EXPECT_EQ(one.counts.num_rows, team.counts.num_rows);
    EXPECT_EQ(one.counts.num_tokens, team.counts.num_tokens);
    EXPECT_EQ(one.counts.num_computed_tokens, team.counts.num_computed_tokens);
    EXPECT_TRUE(std::ranges::is_sorted(shown, {}, &RunProgress::done));
    EXPECT_EQ(shown.back().done, 23);
  }
}

// What is computed and waits for its turn counts too.
TEST(CaptureLoop, ProgressOfSeveralDevicesNeverFalls) {
  constexpr int kTwoDocuments = 2 * 5 * 2;  // layers, norms
  const TestDevices two("cuda:0,1", second_goes_first(kTwoDocuments));
  Loop loop({words(60), words(60), words(60), words(60), words(60)});
  loop.options.devices = &two;
  std::vector<double> shown;
  std::vector<int64_t> tokens;
  loop.options.progress = [&](const RunProgress& progress) {
    shown.push_back(static_cast<double>(progress.done) + progress.in_progress);
    tokens.push_back(progress.num_tokens);
  };
  EXPECT_TRUE(loop.execute());
  EXPECT_TRUE(std::ranges::is_sorted(shown, [](double a, double b) { return a < b - 1e-9; }))
      << testing::PrintToString(shown);
  EXPECT_TRUE(std::ranges::is_sorted(tokens, [](int64_t a, int64_t b) { return a < b - 1; }))
      << testing::PrintToString(tokens);
  EXPECT_NEAR(shown.back(), 5, 1e-9);
  EXPECT_EQ(tokens.back(), 300);
}

TEST(CaptureLoop, AStopOfSeveralDevicesKeepsWhatIsBegun) {
  const TestDevices two("cuda:0,1", {kCpuBackend, kCpuBackend});
  Loop loop(many_texts());
  loop.options.devices = &two;
  std::atomic<bool> stop = false;
  loop.options.stop = &stop;
  loop.options.progress = [&](const RunProgress& progress) { stop = stop || progress.done >= 2; };
  EXPECT_FALSE(loop.execute());
  const std::vector<int64_t> documents = loop.documents();
  EXPECT_GE(documents.size(), 2U);
  EXPECT_LE(documents.size(), 2U + 2 * kBatchesInFlight + 1);
  for (size_t i = 0; i < documents.size(); ++i) EXPECT_EQ(documents[i], static_cast<int64_t>(i));
}

TEST(CaptureLoop, AnErrorOfSeveralDevicesKeepsTheDocumentsBeforeIt) {
  const TestDevices two("cuda:0,1", {kCpuBackend, kCpuBackend});
  Loop loop({words(3), words(4), words(50), "damaged", words(5), words(6)});
  loop.options.devices = &two;
  EXPECT_THROW(loop.execute(), Error);
  EXPECT_THAT(loop.documents(), testing::ElementsAre(0, 1, 2));
  EXPECT_EQ(loop.counts.num_documents, 3);
}

// The second device cannot compute: its sentence ends the run, and what is in the journal is whole.
TEST(CaptureLoop, AFaultyDeviceEndsTheRun) {
  const TestDevices two("cuda:0,1",
                        second_goes_first(1, [](Context&, ConstMatrix, BoundVector, float, NormKind,
                                                Matrix) { fail("cuda:1: the device is lost"); }));
  Loop loop(many_texts());
  loop.options.devices = &two;
  try {
    loop.execute();
    ADD_FAILURE() << "expected an error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "cuda:1: the device is lost");
  }
  const std::vector<int64_t> documents = loop.documents();
  EXPECT_LT(documents.size(), 23U);
  for (size_t i = 0; i < documents.size(); ++i) EXPECT_EQ(documents[i], static_cast<int64_t>(i));
}

TEST(CaptureLoop, AFailingCallerEndsTheTeam) {
  const TestDevices two("cuda:0,1", second_goes_first(1));
  Loop loop(many_texts());
  loop.options.devices = &two;
  int num_shown = 0;
  loop.options.progress = [&](const RunProgress&) {
    if (++num_shown == 2) fail("no room");  // the first time is before the team
  };
  EXPECT_THROW(loop.execute(), Error);
  EXPECT_LE(loop.documents().size(), 1U);
  EXPECT_EQ(num_shown, 2);
}

// One document, and then none for long: as of a rank while others have the last ones.
class WaitingSource : public DocumentSource {
 public:
  explicit WaitingSource(std::string text) : text_(std::move(text)) {}
  std::optional<Document> next(bool wait) override {
    if (text_) {
      Document out{.index = 0, .example_id = 100, .text = *text_, .place = "a text"};
      text_.reset();
      return out;
    }
    const RunClock clock;
    while (wait && !cancelled_ && clock.seconds() < kLong) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (wait && !cancelled_) waited_in_vain = true;
    return std::nullopt;
  }
  void cancel() override { cancelled_ = true; }

  static constexpr double kLong = 5;  // seconds
  std::atomic<bool> waited_in_vain = false;

 private:
  std::optional<std::string> text_;
  std::atomic<bool> cancelled_ = false;
};

// One device fails while the other waits for a batch.
TEST(CaptureLoop, AFaultEndsTheWaitingOfSeveralDevices) {
  Backend failing = kCpuBackend;
  failing.rms_norm = [](Context&, ConstMatrix, BoundVector, float, NormKind, Matrix) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the other waits by then
    fail("cuda: the device is lost");
  };
  for (const bool by_the_caller : {false, true}) {
    const Backend& backend = by_the_caller ? kCpuBackend : failing;
    const TestDevices two("cuda:0,1", {backend, backend});
    Loop loop({});
    loop.options.devices = &two;
    int num_shown = 0;
    loop.options.progress = [&](const RunProgress&) {
      if (++num_shown == 2 && by_the_caller) fail("no room");
    };
    WaitingSource source(words(3));
    EXPECT_EQ(
        error_of([&] {
          JournalWriter journal = JournalWriter::create(loop.folder / "journal", "{}");
          CaptureLoop(loop.run, loop.options, loop.memory, loop.pool, source, {}).run(journal);
        }),
        by_the_caller ? "no room" : "cuda: the device is lost");
    EXPECT_FALSE(source.waited_in_vain);
  }
}

// Nor does a device that nobody can open or bind on leave a thread behind.
TEST(CaptureLoop, ADeviceWithoutAContextEndsTheRun) {
  Backend closed = kCpuBackend;
  closed.make_context = [](const Backend&, ThreadPool&) -> std::unique_ptr<Context> {
    fail("cuda:1: is out of memory");
  };
  const TestDevices two("cuda:0,1", {closed, closed});
  Loop loop(many_texts());
  loop.options.devices = &two;
  EXPECT_THROW(loop.execute(), Error);
  EXPECT_THAT(loop.documents(), testing::IsEmpty());
}

// Rows do not depend on how many tokens are computed where the kernels are our own.
TEST(CaptureLoop, WholeDocumentsGiveTheSameRows) {
  const TestDevices shaped("torch:cpu", {shaped_backend()});
  const auto sampled = [](Loop& loop) {
    loop.run.plan.capture.sampler = SamplerType::kUniform;
    loop.run.plan.capture.min_bucket_size = 16;
  };
  Loop pruned({words(60), words(37)});
  Loop whole({words(60), words(37)});
  sampled(pruned);
  sampled(whole);
  whole.options.devices = &shaped;
  EXPECT_TRUE(pruned.execute());
  EXPECT_TRUE(whole.execute());
  EXPECT_EQ(whole.counts.num_computed_tokens, 97);
  EXPECT_EQ(read_file(pruned.folder / "journal"), read_file(whole.folder / "journal"));
}

}  // namespace capture_loop_test
}  // namespace qk
