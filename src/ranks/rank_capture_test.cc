#include "ranks/rank_capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "capture/test_devices.h"
#include "capture/test_run.h"
#include "ranks/documents_in_time.h"

namespace qk {
namespace rank_capture_test {

using testing::Contains;
using testing::Each;
using testing::Ge;
using testing::Le;
using testing::SizeIs;

// A worker with given tasks, each of one document.
class OneByOne : public Worker {
 public:
  explicit OneByOne(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      const int64_t id = std::ssize(tasks_);
      const Document document{.index = id, .example_id = id, .text = text, .place = "a task"};
      tasks_.push_back({.id = id, .text = encode_documents({&document, 1})});
    }
  }
  int rank() const override { return 0; }
  std::optional<Begin> next_stage() override { return std::nullopt; }
  std::optional<CrewTask> next_task(bool /*wait*/) override {
    const std::lock_guard lock(mutex_);
    if (tasks_.empty()) return std::nullopt;
    CrewTask out = std::move(tasks_.front());
    tasks_.pop_front();
    ++num_held_;
    return out;
  }
  bool ended() const override {
    const std::lock_guard lock(mutex_);
    return tasks_.empty() && num_held_ == 0;
  }
  void send_result(const CrewTask& task, std::string text) override {
    const std::lock_guard lock(mutex_);
    held.push_back(num_held_--);
    answers[task.id] = decode_documents_answer(text);
  }
  void show(std::string /*progress*/) override {}

  std::map<int64_t, DocumentsAnswer> answers;
  std::vector<int> held;  // tasks, when each result was sent

 private:
  mutable std::mutex mutex_;
  std::deque<CrewTask> tasks_;
  int num_held_ = 0;
};

// Captures all of it with so many documents in a batch.
void capture(OneByOne& worker, int64_t batch_documents, double ends_at,
             const RunOptions& options = {}) {
  const TestFolder folder;
  const PreparedRun run = test_run({});
  MemoryPlan memory;
  memory.batch.documents = batch_documents;
  ThreadPool pool(1);
  const DocumentsStage stage{.journal_token = "t", .header = "{}", .ends_at = ends_at};
  RankCapture({run, options, memory, pool}, worker, stage).run(folder / "journal");
}

TEST(RankCapture, ATaskHasItsShareOfTheBatch) {
  OneByOne worker({words(40), words(10)});
  capture(worker, 2, 0);
  ASSERT_THAT(worker.answers, SizeIs(2));
  const DocumentsAnswer &longer = worker.answers[0], &shorter = worker.answers[1];
  EXPECT_EQ(longer.task_tokens, 40);
  EXPECT_EQ(shorter.task_tokens, 10);
  EXPECT_GT(shorter.seconds, 0);
  EXPECT_NEAR(longer.seconds / shorter.seconds, 4, 1e-6);
}

// Rank 0 decides: of its own limit this rank knows nothing, nor of a shard.
TEST(RankCapture, WhatIsGivenIsComputed) {
  double now = 0;
  TimeLimit limit(1000, [&] { return now; });
  now = 2000;
  RunOptions options;
  options.shard = Shard{0, 3};
  options.time_limit = &limit;
  OneByOne worker({words(4), words(5), words(6)});
  capture(worker, 1, 0, options);
  EXPECT_THAT(worker.answers, SizeIs(3));
}

// However late this rank heard of the stage.
TEST(RankCapture, NothingIsTakenAheadNearTheTimeLimit) {
  // Two batches of four are taken before the first of them is through.
  const auto held_later = [](double ends_at) {
    OneByOne worker(std::vector<std::string>(24, words(30)));
    capture(worker, 4, ends_at);
    EXPECT_THAT(worker.held, SizeIs(24));
    return std::vector(worker.held.begin() + 8, worker.held.end());
  };
  // The next one may be taken just before the result of the last is sent.
  EXPECT_THAT(held_later(system_seconds() - 1), Each(Le(2)));
  EXPECT_THAT(held_later(system_seconds() + 1000), Contains(Ge(4)));
}

std::atomic<int> num_norms = 0;
std::atomic<double> seconds_of_norm = 0;

Backend slow_backend() {
  Backend out = kCpuBackend;
  out.rms_norm = [](Context& context, ConstMatrix x, BoundVector weight, float eps, NormKind kind,
                    Matrix y) {
    ++num_norms;
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds_of_norm.load()));
    kCpuBackend.rms_norm(context, x, weight, eps, kind, y);
  };
  return out;
}

// The limit is further away than the batch that is computed takes, but not than one more.
TEST(RankCapture, WhatTasksTookSaysWhetherTheLimitIsNear) {
  const TestDevices slow("cpu", {slow_backend()});
  RunOptions options;
  options.devices = &slow;
  OneByOne first(std::vector<std::string>(4, words(30)));
  capture(first, 4, 0, options);
  constexpr double kSecondsOfBatch = 0.4;
  seconds_of_norm = kSecondsOfBatch / num_norms.load();
  OneByOne worker(std::vector<std::string>(12, words(30)));
  capture(worker, 4, system_seconds() + 1.5 * kSecondsOfBatch, options);
  ASSERT_THAT(worker.held, SizeIs(12));
  EXPECT_THAT(std::vector(worker.held.begin() + 8, worker.held.end()), Each(Le(2)));
}

}  // namespace rank_capture_test
}  // namespace qk
