// Whole crews as threads of this process, with times of a fraction of a second.
#include "cluster/crew.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/stopped.h"
#include "base/test_error.h"
#include "cluster/local_transport.h"
#include "cluster/message.h"

namespace qk {
namespace crew_test {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr CrewTimes kShort = {.beat = 0.02, .lost = 0.4, .sleep = 0.001, .fill = 0.05};

// What the ranks of a test came to.
struct Outcome {
  std::vector<CrewEnd> ends;        // [ranks]
  std::vector<std::string> errors;  // [ranks] what run_crew threw
  std::vector<int> left;            // [ranks] what CrewSides::left was told; -1: nothing
  std::vector<std::string> warnings;
};

struct Team {
  explicit Team(int size) : network(size), stops(static_cast<size_t>(size)) {
    for (auto& stop : stops) stop = std::make_unique<std::atomic<bool>>(false);
  }

  Outcome run(const std::function<int(Leader&)>& lead, const std::function<void(Worker&)>& work) {
    const size_t size = stops.size();
    Outcome outcome = {.ends = std::vector<CrewEnd>(size),
                       .errors = std::vector<std::string>(size),
                       .left = std::vector<int>(size, -1),
                       .warnings = {}};
    std::vector<std::thread> threads;
    for (size_t rank = 0; rank < size; ++rank) {
      threads.emplace_back([&, rank] {
        const auto transport = network.transport(static_cast<int>(rank));
        CrewSides sides = {
            .hello = fmt::format("{{\"rank\": {}}}", rank),
            .host = fmt::format("node{}", rank),
            .work = work,
            .warn = [&](const std::string& text) { outcome.warnings.push_back(text); },
            .stop = stops[rank].get()};
        if (rank == 0) sides.lead = lead;
        sides.left = [&, rank](bool all) { outcome.left[rank] = all ? 1 : 0; };
        try {
          outcome.ends[rank] = run_crew(*transport, sides, times);
        } catch (const Stopped&) {
          outcome.errors[rank] = "stopped";
        } catch (const std::exception& error) {
          outcome.errors[rank] = error.what();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return outcome;
  }

  LocalNetwork network;
  std::vector<std::unique_ptr<std::atomic<bool>>> stops;
  CrewTimes times = kShort;
};

// A stage of tasks 0, 1, ...; each is as large as its number. Results go into `results`.
Leader::Stage numbers(int64_t count, std::map<int64_t, std::string>& results,
                      std::string text = "square") {
  return {.text = std::move(text),
          .next = [i = int64_t{0}, count]() mutable -> std::optional<CrewTask> {
            if (i == count) return std::nullopt;
            CrewTask task = {.id = i, .size = static_cast<double>(i), .text = std::to_string(i)};
            ++i;
            return task;
          },
          .take =
              [&results](CrewResult&& result) {
                EXPECT_TRUE(results.emplace(result.id, std::move(result.text)).second);
              }};
}

using Compute = std::function<std::string(Worker&, const std::string& stage, const CrewTask&)>;

std::function<void(Worker&)> worker(const Compute& compute) {
  return [compute](Worker& worker) {
    while (const auto stage = worker.next_stage()) {
      while (auto task = worker.next_task(true)) {
        worker.send_result(*task, compute(worker, stage->text, *task));
      }
    }
  };
}

std::string squared(Worker&, const std::string&, const CrewTask& task) {
  const int64_t number = std::stoll(task.text);
  return std::to_string(number * number);
}

void expect_squares(const std::map<int64_t, std::string>& results, int64_t count) {
  ASSERT_EQ(static_cast<int64_t>(results.size()), count);
  for (const auto& [id, text] : results) EXPECT_EQ(text, std::to_string(id * id));
}

TEST(Crew, SeveralStages) {
  for (const int size : {1, 2, 7}) {
    Team team(size);
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

TEST(Crew, ALostRank) {
  Team team(3);
  std::atomic<bool> is_lost = false;
  std::map<int64_t, std::string> results;
  const Outcome outcome = team.run(
      [&](Leader& leader) {
        EXPECT_TRUE(leader.run_stage(numbers(40, results)));
        return 0;
      },
      worker([&](Worker& self, const std::string& stage, const CrewTask& task) {
        if (self.rank() == 2 && !is_lost.exchange(true)) team.network.drop(2);
        std::this_thread::sleep_for(milliseconds(1));
        return squared(self, stage, task);
      }));
  expect_squares(results, 40);
  ASSERT_EQ(outcome.warnings.size(), 1U);
  EXPECT_THAT(outcome.warnings[0], HasSubstr("node2 (rank 2): not heard of for 0.4 s; its "));
  EXPECT_EQ(outcome.errors[0], "");
  EXPECT_EQ(outcome.ends[1].exit_code, 0);
  EXPECT_EQ(outcome.ends[2].exit_code, 75);
  EXPECT_EQ(outcome.ends[2].sentence, "rank 0: not heard of for 0.4 s");
  EXPECT_THAT(outcome.left, ElementsAre(0, 0, 0));
}

TEST(Crew, Rank0IsLost) {
  Team team(3);
  std::map<int64_t, std::string> results;
  std::atomic<int> num_begun = 0, num_ended = 0;
  const Outcome outcome = team.run(
      [&](Leader& leader) {
        leader.run_stage(numbers(400, results));
        return 0;
      },
      worker([&](Worker& self, const std::string& stage, const CrewTask& task) {
        if (self.rank() != 0 && ++num_begun == 4) team.network.drop(0);
        std::this_thread::sleep_for(milliseconds(5));
        if (self.rank() != 0) ++num_ended;
        return squared(self, stage, task);
      }));
  EXPECT_EQ(num_begun, num_ended) << "what was in hand is finished";
  for (const size_t rank : {1U, 2U}) {
    EXPECT_EQ(outcome.ends[rank].exit_code, 75);
    EXPECT_FALSE(outcome.ends[rank].all_left);
  }
  expect_squares(results, 400);  // rank 0 has its own worker
}

TEST(Crew, ALateRankIsHeardOfAgain) {
  Team team(2);
  std::map<int64_t, std::string> results;
  const Outcome outcome = team.run(
      [&](Leader& leader) {
        leader.hellos();
        team.network.delay(1, 0.6);
        const bool is_whole = leader.run_stage(numbers(60, results));
        team.network.delay(1, 0);
        return is_whole ? 0 : 1;
      },
      worker([&](Worker& self, const std::string& stage, const CrewTask& task) {
        std::this_thread::sleep_for(milliseconds(20));
        return squared(self, stage, task);
      }));
  expect_squares(results, 60);
  EXPECT_EQ(outcome.errors[0], "");
  EXPECT_THAT(outcome.warnings, Contains("node1 (rank 1): heard of again"));
}

TEST(Crew, AFaultOfAWorkerEndsTheRun) {
  Team team(3);
  std::map<int64_t, std::string> results;
  const Outcome outcome = team.run(
      [&](Leader& leader) {
        leader.run_stage(numbers(1000, results));
        ADD_FAILURE() << "expected an Error";
        return 0;
      },
      worker([](Worker& self, const std::string& stage, const CrewTask& task) -> std::string {
        if (self.rank() == 1) throw Error("out/journal: no space left");
        std::this_thread::sleep_for(milliseconds(1));
        return squared(self, stage, task);
      }));
  EXPECT_EQ(outcome.errors[0], "node1 (rank 1): out/journal: no space left");
  for (const size_t rank : {1U, 2U}) EXPECT_EQ(outcome.ends[rank].exit_code, 0);
  EXPECT_THAT(outcome.left, ElementsAre(1, 1, 1));
}

// The leader's work is over by then: its end counts.
TEST(Crew, AFaultAfterTheEndIsAWarning) {
  Team team(2);
  std::map<int64_t, std::string> results;
  const auto work = worker(squared);
  const Outcome outcome =
      team.run([&](Leader& leader) { return leader.run_stage(numbers(5, results)) ? 0 : 1; },
               [&](Worker& self) {
                 work(self);
                 if (self.rank() == 1) throw Error("no space left");
               });
  expect_squares(results, 5);
  EXPECT_EQ(outcome.errors[0], "");
  EXPECT_EQ(outcome.ends[0].exit_code, 0);
  EXPECT_THAT(outcome.warnings, ElementsAre("node1 (rank 1): no space left"));
}

TEST(Crew, AFaultOfTheLeader) {
  Team team(3);
  std::map<int64_t, std::string> results;
  const Outcome outcome = team.run(
      [&](Leader& leader) -> int {
        Leader::Stage stage = numbers(100, results);
        stage.take = [](CrewResult&& result) { throw Error("result " + result.text); };
        leader.run_stage(stage);
        return 0;
      },
      worker([](Worker&, const std::string&, const CrewTask&) { return "bad"; }));
  EXPECT_EQ(outcome.errors[0], "result bad");
  for (const size_t rank : {1U, 2U}) EXPECT_EQ(outcome.ends[rank].exit_code, 0);
  EXPECT_THAT(outcome.left, ElementsAre(1, 1, 1));
}

TEST(Crew, WorkThatEndsTooEarly) {
  Team team(2);
  std::map<int64_t, std::string> results;
  const Outcome outcome =
      team.run([&](Leader& leader) { return leader.run_stage(numbers(100, results)) ? 0 : 1; },
               [](Worker&) {});
  EXPECT_THAT(outcome.errors[0], HasSubstr(": its work ended before the run"));
}

TEST(Crew, AStopOfAnyRankStopsAll) {
  for (const size_t stopped : {0U, 2U}) {
    Team team(3);
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
  Team team(2);
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
  Team team(2);
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

TEST(Crew, ARankThatSaysNothing) {
  Team team(2);
  team.network.drop(1);
  const Outcome outcome = team.run(
      [](Leader& leader) {
        leader.hellos();
        return 0;
      },
      worker(squared));
  EXPECT_EQ(outcome.errors[0], "rank 1: nothing was heard of it after the start");
}

TEST(Crew, BytesThatAreNoMessage) {
  Team team(2);
  std::map<int64_t, std::string> results;
  const auto other = team.network.transport(1);
  const Outcome outcome = team.run(
      [&](Leader& leader) {
        leader.hellos();
        other->send(0, "bytes");
        leader.run_stage(numbers(100000, results));
        return 0;
      },
      worker(squared));
  EXPECT_EQ(outcome.errors[0],
            "node0 (rank 0): message of rank 1: expected at least 32 bytes, found 5");
}

// A transport that fails: the loop of that rank ends, its threads too.
class BrokenTransport : public Transport {
 public:
  BrokenTransport(std::unique_ptr<Transport> transport, int num_messages)
      : transport_(std::move(transport)), num_messages_(num_messages) {}
  int rank() const override { return transport_->rank(); }
  int size() const override { return transport_->size(); }
  void send(int to, std::string bytes) override { transport_->send(to, std::move(bytes)); }
  std::optional<Received> poll() override {
    auto received = transport_->poll();
    if (received && --num_messages_ < 0) throw Error("MPI_Recv: connection lost");
    return received;
  }
  bool is_idle() override { return true; }

 private:
  std::unique_ptr<Transport> transport_;
  int num_messages_;
};

// Two ranks, of which this one's transport fails; results are those that rank 0 took.
struct BrokenPair {
  explicit BrokenPair(int broken) : network(2) {
    std::thread other([&] {
      BrokenTransport transport(network.transport(1), broken == 1 ? 2 : 1 << 30);
      end = run_crew(transport, {.host = "node1", .work = worker(squared)}, kShort);
    });
    try {
      BrokenTransport transport(network.transport(0), broken == 0 ? 1 : 1 << 30);
      CrewSides sides = {.host = "node0", .work = worker(squared)};
      sides.lead = [&](Leader& leader) {
        leader.run_stage(numbers(broken == 0 ? int64_t{1} << 40 : 300, results));
        return 0;
      };
      sides.left = [&](bool all) { left = all ? 1 : 0; };
      run_crew(transport, sides, kShort);
    } catch (const Error& caught) {
      error = caught.what();
    }
    other.join();
  }

  LocalNetwork network;
  CrewEnd end;
  std::string error;
  int left = -1;
  std::map<int64_t, std::string> results;
};

TEST(Crew, ATransportThatFails) {
  const BrokenPair leader(0);
  EXPECT_EQ(leader.error, "MPI_Recv: connection lost");
  EXPECT_EQ(leader.left, 0);
  EXPECT_EQ(leader.end.exit_code, 75);
  EXPECT_EQ(leader.end.sentence, "rank 0: not heard of for 0.4 s");

  const BrokenPair other(1);
  EXPECT_EQ(other.error, "");
  expect_squares(other.results, 300);
  EXPECT_EQ(other.end.exit_code, 1);
  EXPECT_EQ(other.end.sentence, "MPI_Recv: connection lost");
  EXPECT_FALSE(other.end.all_left);
}

TEST(Crew, LongTexts) {
  Team team(2);
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
  Team team(2);
  team.times.beat = 1;
  team.times.lost = 60;
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
}  // namespace crew_test
}  // namespace qk
