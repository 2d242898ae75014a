// Crews whose ranks live.
#include "cluster/crew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <mutex>
#include <set>

#include "base/stopped.h"
#include "cluster/test_crew.h"

namespace qk::crew_test {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

// Nobody is lost here, however busy the machine is.
struct PatientTeam : Team {
  explicit PatientTeam(int size) : Team(size) { times.lost = 60; }
};

TEST(Crew, SeveralStages) {
  for (const int size : {1, 2, 7}) {
    PatientTeam team(size);
    std::map<int64_t, std::string> squares, texts;
    const Outcome outcome = team.run(
        [&](Leader& leader) {
          EXPECT_EQ(leader.num_ranks(), size);
          const std::vector<std::string> hellos = leader.hellos();
          EXPECT_EQ(static_cast<int>(hellos.size()), size);
          EXPECT_EQ(hellos.back(), fmt::format("{{\"rank\": {}}}", size - 1));
          EXPECT_TRUE(leader.run_stage(numbers(100, squares)));
          std::map<int64_t, std::string> none;
          EXPECT_TRUE(leader.run_stage(numbers(0, none)));
          EXPECT_TRUE(leader.run_stage(numbers(3, texts, "text")));
          return 0;
        },
        worker([](Worker& self, const std::string& stage, const CrewTask& task) {
          return stage == "square" ? squared(self, stage, task) : stage + task.text;
        }));
    expect_squares(squares, 100);
    EXPECT_THAT(texts,
                ElementsAre(std::pair(0, "text0"), std::pair(1, "text1"), std::pair(2, "text2")));
    EXPECT_THAT(outcome.warnings, ElementsAre());
    for (int rank = 0; rank < size; ++rank) {
      EXPECT_EQ(outcome.errors[static_cast<size_t>(rank)], "");
      EXPECT_EQ(outcome.ends[static_cast<size_t>(rank)].exit_code, 0);
      EXPECT_EQ(outcome.ends[static_cast<size_t>(rank)].sentence, "");
      EXPECT_EQ(outcome.left[static_cast<size_t>(rank)], 1);
    }
  }
}

TEST(Crew, AStageOfSomeRanks) {
  PatientTeam team(4);
  std::map<int64_t, std::string> of_some;
  std::mutex mutex;
  std::map<std::string, std::set<int>> took_part;
  const auto work = [&](Worker& self) {
    while (const auto stage = self.next_stage()) {
      {
        const std::lock_guard lock(mutex);
        took_part[stage->text].insert(self.rank());
      }
      while (const auto task = self.next_task(true)) self.send_result(*task, "");
    }
  };
  team.run(
      [&](Leader& leader) {
        leader.hellos();
        Leader::Stage stage = numbers(20, of_some, "some");
        stage.ranks = {1, 0, 1, 0};
        EXPECT_TRUE(leader.run_stage(stage));
        stage = {.text = "all", .next = [rank = 0]() mutable -> std::optional<CrewTask> {
                   if (rank == 4) return std::nullopt;
                   CrewTask task{.id = rank, .rank = rank};
                   ++rank;
                   return task;
                 }};
        EXPECT_TRUE(leader.run_stage(stage));
        return 0;
      },
      work);
  EXPECT_EQ(of_some.size(), 20U);
  EXPECT_FALSE(took_part["some"].contains(1));
  EXPECT_FALSE(took_part["some"].contains(3));
  EXPECT_THAT(took_part["all"], ElementsAre(0, 1, 2, 3));
}

TEST(Crew, AStopOfAnyRankStopsAll) {
  for (const size_t stopped : {0U, 2U}) {
    PatientTeam team(3);
    std::map<int64_t, std::string> results;
    std::atomic<int> num_begun = 0;
    const Outcome outcome = team.run(
        [&](Leader& leader) {
          leader.hellos();
          EXPECT_FALSE(leader.run_stage(numbers(1000, results)));
          EXPECT_FALSE(leader.run_stage(numbers(1, results)));
          EXPECT_THROW(leader.hellos(), Stopped);
          return 75;
        },
        worker([&](Worker& self, const std::string& stage, const CrewTask& task) {
          if (++num_begun == 20) *team.stops[stopped] = true;
          std::this_thread::sleep_for(milliseconds(2));
          return squared(self, stage, task);
        }));
    EXPECT_EQ(static_cast<int>(results.size()), num_begun) << "what was begun has its result";
    EXPECT_LT(results.size(), 100U);
    EXPECT_EQ(outcome.errors[0], "");
    for (const CrewEnd& end : outcome.ends) EXPECT_EQ(end.exit_code, 75);
    EXPECT_THAT(outcome.left, ElementsAre(1, 1, 1));
  }
}

TEST(Crew, WorkThatThrowsStopped) {
  PatientTeam team(2);
  std::map<int64_t, std::string> results;
  const Outcome outcome = team.run(
      [&](Leader& leader) -> int {
        if (!leader.run_stage(numbers(1000, results))) throw Stopped();
        return 0;
      },
      worker([](Worker& self, const std::string& stage, const CrewTask& task) -> std::string {
        if (self.rank() == 1) throw Stopped();
        return squared(self, stage, task);
      }));
  EXPECT_EQ(outcome.errors[0], "stopped");
  EXPECT_EQ(outcome.ends[1].exit_code, 75);
}

TEST(Crew, MayBegin) {
  PatientTeam team(2);
  std::map<int64_t, std::string> results;
  std::set<int64_t> begun;
  std::mutex mutex;
  const Outcome outcome = team.run(
      [&](Leader& leader) {
        Leader::Stage stage = numbers(300, results);
        stage.may_begin = [&](const CrewTask&) { return results.size() < 20; };
        EXPECT_FALSE(leader.run_stage(stage));
        EXPECT_TRUE(leader.run_stage(numbers(0, results))) << "the run itself goes on";
        return 75;
      },
      worker([&](Worker& self, const std::string& stage, const CrewTask& task) {
        {
          const std::lock_guard lock(mutex);
          begun.insert(task.id);
        }
        std::this_thread::sleep_for(milliseconds(2));
        return squared(self, stage, task);
      }));
  EXPECT_GE(results.size(), 20U);
  EXPECT_EQ(results.size(), begun.size());
  EXPECT_EQ(outcome.ends[1].exit_code, 75);
}

TEST(Crew, LongTexts) {
  PatientTeam team(2);
  const std::string text(size_t{8} << 20, 'x');
  int64_t num_bytes = 0;
  team.run(
      [&](Leader& leader) {
        Leader::Stage stage = {.text = text, .next = [&, i = int64_t{0}]() mutable {
                                 std::optional<CrewTask> task;
                                 if (i < 6) task = CrewTask{.id = i++, .text = text};
                                 return task;
                               }};
        stage.take = [&](CrewResult&& result) {
          num_bytes += static_cast<int64_t>(result.text.size());
        };
        EXPECT_TRUE(leader.run_stage(stage));
        return 0;
      },
      worker([](Worker&, const std::string& stage, const CrewTask& task) {
        return stage + task.text;
      }));
  EXPECT_EQ(num_bytes, 6 * 2 * static_cast<int64_t>(text.size()));
}

double cpu_seconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Two ranks in this process that wait for a long task take less than 2 % of a core each. With
// sanitizers, or on a machine that is busy, a little more.
TEST(Crew, WaitingTakesNoTime) {
  PatientTeam team(2);
  team.times.beat = 1;
  std::map<int64_t, std::string> results;
  double seconds = 0;
  team.run(
      [&](Leader& leader) {
        leader.run_stage(numbers(2, results));
        return 0;
      },
      worker([&](Worker& self, const std::string& stage, const CrewTask& task) {
        const double begin = cpu_seconds();
        std::this_thread::sleep_for(milliseconds(1000));
        if (self.rank() == 1) seconds = cpu_seconds() - begin;
        return squared(self, stage, task);
      }));
  RecordProperty("percent_of_a_core", std::to_string(100 * seconds / 2));
  EXPECT_LT(seconds, 0.08);
}

}  // namespace
}  // namespace qk::crew_test
