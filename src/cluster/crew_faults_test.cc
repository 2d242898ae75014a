// Crews with ranks that are lost, late, or fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <new>
#include <stdexcept>

#include "base/test_error.h"
#include "cluster/crew.h"
#include "cluster/test_crew.h"

namespace qk::crew_test {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Work of the leader without a stage.
int check_for_long(Leader& leader) {
  for (int i = 0; i < 10'000; ++i) {
    leader.check();
    std::this_thread::sleep_for(milliseconds(1));
  }
  return 0;
}

TEST(CrewFaults, ALostRank) {
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

TEST(CrewFaults, Rank0IsLost) {
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

TEST(CrewFaults, ALateRankIsHeardOfAgain) {
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

TEST(CrewFaults, AFaultOfAWorkerEndsTheRun) {
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

TEST(CrewFaults, ABugIsNoFaultOfTheUser) {
  const auto error_after = [](const std::function<void()>& fault) {
    Team team(2);
    const Outcome outcome = team.run([](Leader& leader) { return check_for_long(leader); },
                                     [&](Worker& self) {
                                       if (self.rank() == 1) fault();
                                       worker(squared)(self);
                                     });
    return outcome.errors[0];
  };
  EXPECT_EQ(error_after([] { throw std::out_of_range("vector::at"); }),
            "node1 (rank 1): bug: vector::at");
  EXPECT_EQ(error_after([] { throw std::bad_alloc(); }), "node1 (rank 1): not enough memory");
  EXPECT_EQ(error_after([] { std::filesystem::resize_file("/not/there", 0); }),
            "node1 (rank 1): /not/there: No such file or directory");
}

// The leader's work is over by then: its end counts.
TEST(CrewFaults, AFaultAfterTheEndIsAWarning) {
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

TEST(CrewFaults, AFaultOfTheLeader) {
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

// Between stages, where no task tells the leader of it.
TEST(CrewFaults, TheLeaderIsToldBetweenStages) {
  for (const bool is_stop : {false, true}) {
    Team team(3);
    const Outcome outcome = team.run(
        [&](Leader& leader) -> int {
          leader.hellos();
          if (is_stop) team.stops[2]->store(true);
          return check_for_long(leader);
        },
        [&](Worker& self) {
          if (self.rank() == 1 && !is_stop) throw Error("no space left");
          worker(squared)(self);
        });
    EXPECT_EQ(outcome.errors[0], is_stop ? "stopped" : "node1 (rank 1): no space left");
  }
}

TEST(CrewFaults, WorkThatEndsTooEarly) {
  Team team(2);
  std::map<int64_t, std::string> results;
  const Outcome outcome =
      team.run([&](Leader& leader) { return leader.run_stage(numbers(100, results)) ? 0 : 1; },
               [](Worker&) {});
  EXPECT_THAT(outcome.errors[0], HasSubstr(": its work ended before the run"));
}

// Some ranks take longer to get ready than a rank may be silent later.
TEST(CrewFaults, LateStart) {
  for (const int late : {0, 1}) {
    Team team(3);
    team.late[late] = 2 * kShort.lost;
    std::map<int64_t, std::string> results;
    std::atomic<int> num_of_late = 0;
    const Outcome outcome = team.run(
        [&](Leader& leader) {
          EXPECT_EQ(leader.hellos().size(), 3U);
          return leader.run_stage(numbers(60, results)) ? 0 : 1;
        },
        worker([&](Worker& self, const std::string& stage, const CrewTask& task) {
          if (self.rank() == late) ++num_of_late;
          std::this_thread::sleep_for(milliseconds(2));
          return squared(self, stage, task);
        }));
    expect_squares(results, 60);
    EXPECT_GT(num_of_late, 0);
    EXPECT_THAT(outcome.warnings, ElementsAre());
    EXPECT_EQ(outcome.errors[0], "");
    for (const CrewEnd& end : outcome.ends) {
      EXPECT_EQ(end.exit_code, 0);
      EXPECT_EQ(end.sentence, "");
    }
    EXPECT_THAT(outcome.left, ElementsAre(1, 1, 1));
  }
}

// It waited for rank 0 in vain, which comes after all.
TEST(CrewFaults, ARankThatHasLeftBeforeTheBeginning) {
  Team team(2);
  team.times.start = 0.1;  // `lost` is longer
  team.late[0] = 4 * kShort.lost;
  const Outcome outcome = team.run(
      [](Leader& leader) {
        leader.hellos();
        ADD_FAILURE() << "expected an Error";
        return 0;
      },
      worker(squared));
  EXPECT_EQ(outcome.errors[0], "node1 (rank 1): left before all ranks had begun");
  EXPECT_EQ(outcome.ends[1].exit_code, 75);
  EXPECT_EQ(outcome.ends[1].sentence, "rank 0: nothing was heard of it after the start");
}

TEST(CrewFaults, ARankThatSaysNothing) {
  Team team(2);
  team.times.start = 2 * kShort.lost;
  team.network.drop(1);
  const Outcome outcome = team.run(
      [](Leader& leader) {
        leader.hellos();
        return 0;
      },
      worker(squared));
  EXPECT_EQ(outcome.errors[0], "rank 1: nothing was heard of it after the start");
  EXPECT_THAT(outcome.warnings, ElementsAre("rank 1: not heard of for 0.8 s"));
}

TEST(CrewFaults, BytesThatAreNoMessage) {
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

TEST(CrewFaults, ATransportThatFails) {
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

}  // namespace
}  // namespace qk::crew_test
