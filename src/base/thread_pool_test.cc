#include "base/thread_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/machine_limits.h"

namespace qk {
namespace {

class ThreadPoolOf : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolOf, testing::Values(1, 2, 5),
                         testing::PrintToStringParamName());

TEST_P(ThreadPoolOf, RunsEveryTaskOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.num_threads(), GetParam());
  for (const int64_t num_tasks : {0, 1, 2, 7, 1000}) {
    std::vector<std::atomic<int>> runs(static_cast<size_t>(num_tasks));
    pool.parallel_for(num_tasks, [&](int64_t index, int thread) {
      EXPECT_GE(thread, 0);
      EXPECT_LT(thread, GetParam());
      ++runs[static_cast<size_t>(index)];
    });
    for (const auto& count : runs) EXPECT_EQ(count, 1);
  }
}

TEST_P(ThreadPoolOf, NoTwoTasksShareAThreadNumberAtOnce) {
  ThreadPool pool(GetParam());
  std::vector<std::atomic<int>> busy(static_cast<size_t>(GetParam()));
  pool.parallel_for(2000, [&](int64_t, int thread) {
    EXPECT_EQ(busy[static_cast<size_t>(thread)].fetch_add(1), 0);
    busy[static_cast<size_t>(thread)].fetch_sub(1);
  });
}

TEST_P(ThreadPoolOf, WritesOfTasksAreSeenAfterwards) {
  ThreadPool pool(GetParam());
  std::vector<int64_t> squares(513);
  for (int round = 1; round <= 50; ++round) {
    pool.parallel_for(513, [&](int64_t i, int) { squares[static_cast<size_t>(i)] = i * round; });
    for (int64_t i = 0; i < 513; ++i) ASSERT_EQ(squares[static_cast<size_t>(i)], i * round);
  }
}

TEST_P(ThreadPoolOf, AnExceptionComesBackAndDropsTheRest) {
  ThreadPool pool(GetParam());
  std::atomic<int> runs = 0;
  const auto task = [&](int64_t index, int) {
    ++runs;
    if (index == 3) throw Error("task 3");
  };
  EXPECT_THAT([&] { pool.parallel_for(1'000'000, task); }, testing::ThrowsMessage<Error>("task 3"));
  EXPECT_GE(runs, 4);
  EXPECT_LT(runs, 1'000'000);
}

TEST_P(ThreadPoolOf, WorksOnAfterAnException) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 20; ++round) {
    const auto fails = [](int64_t, int) { throw std::runtime_error("all fail"); };
    EXPECT_THROW(pool.parallel_for(8, fails), std::runtime_error);
    std::atomic<int> runs = 0;
    pool.parallel_for(100, [&](int64_t, int) { ++runs; });
    EXPECT_EQ(runs, 100);
  }
}

TEST(ThreadPool, OneThreadIsTheCallerInOrder) {
  ThreadPool pool(1);
  std::vector<int64_t> order;
  const std::thread::id caller = std::this_thread::get_id();
  pool.parallel_for(5, [&](int64_t index, int) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    order.push_back(index);
  });
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST(ThreadPool, ThreadsReallyRunAtTheSameTime) {
  ThreadPool pool(3);
  std::mutex mutex;
  std::condition_variable all_here;
  int here = 0;
  std::set<std::thread::id> ids;
  pool.parallel_for(3, [&](int64_t, int) {  // each waits for the others: alone, none would end
    std::unique_lock lock(mutex);
    ids.insert(std::this_thread::get_id());
    if (++here == 3) all_here.notify_all();
    all_here.wait(lock, [&] { return here == 3; });
  });
  EXPECT_EQ(ids.size(), 3U);
}

TEST(ThreadPool, ZeroMeansOneThreadPerCore) {
  EXPECT_GE(available_cores(), 1);
  EXPECT_EQ(ThreadPool(0).num_threads(), available_cores());
  EXPECT_EQ(ThreadPool(-1).num_threads(), available_cores());
}

}  // namespace
}  // namespace qk
