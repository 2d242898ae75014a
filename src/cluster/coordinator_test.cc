// The rules of rank 0, one by one; simulation_test.cc has them all at once.
#include "cluster/coordinator.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qk {
namespace coordinator_test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = Coordinator::StageState;

constexpr CrewTimes kTestTimes = {.beat = 1, .lost = 10, .sleep = 0.001, .fill = 2, .start = 40};

// A coordinator whose ranks say what the test says.
struct Ranks {
  explicit Ranks(int size) : coordinator(size, kTestTimes, 0) {
    for (int rank = 0; rank < size; ++rank) {
      say(rank, MessageType::kHello, 0, fmt::format("node{}\n{{}}", rank), 0);
    }
  }

  void say(int rank, MessageType type, int64_t number = 0, std::string text = {},
           int32_t stage = 1) {
    coordinator.receive(
        rank, {.type = type, .stage = stage, .number = number, .text = std::move(text)}, now);
  }
  // Seconds go by, in which these ranks give signs of life.
  void pass(double seconds, const std::vector<int>& alive) {
    for (const double end = now + seconds; now < end;) {
      now += 0.5;
      for (const int rank : alive) say(rank, MessageType::kBeat, 0);
      coordinator.tick(now);
    }
  }
  void begin(int64_t num_tasks) {
    coordinator.begin_stage("text", 4, now);
    for (int64_t i = 0; i < num_tasks; ++i) {
      coordinator.add({.id = i, .size = static_cast<double>(i), .text = std::to_string(i)});
    }
    coordinator.no_more_tasks();
  }
  // What was sent of this type, as "rank:number".
  std::vector<std::string> sent(MessageType type) {
    for (Coordinator::Send& send : coordinator.take_sends()) log.push_back(std::move(send));
    std::vector<std::string> found;
    std::erase_if(log, [&](const Coordinator::Send& send) {
      if (send.head.type != type) return false;
      found.push_back(fmt::format("{}:{}", send.to, send.head.number));
      return true;
    });
    return found;
  }
  std::vector<int64_t> results() {
    std::vector<int64_t> ids;
    for (const CrewResult& result : coordinator.take_results()) ids.push_back(result.id);
    return ids;
  }

  double now = 0;
  Coordinator coordinator;
  std::vector<Coordinator::Send> log;
};

TEST(Coordinator, LongestFirstAndOneEach) {
  Ranks ranks(2);
  ranks.begin(5);
  EXPECT_THAT(ranks.sent(MessageType::kStage), ElementsAre("0:0", "1:0"));
  ranks.say(1, MessageType::kWant, 2);
  ranks.say(0, MessageType::kWant, 2);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("1:4", "0:3"));
  ranks.say(0, MessageType::kResult, 3, "x");
  EXPECT_THAT(ranks.results(), ElementsAre(3));
  EXPECT_THAT(ranks.sent(MessageType::kTask), Contains("0:2"));
}

TEST(Coordinator, TasksWaitForAFullWindowButNotForLong) {
  Ranks ranks(1);
  ranks.coordinator.begin_stage("", 3, 0);
  ranks.say(0, MessageType::kWant, 1);
  ranks.coordinator.add({.id = 1, .size = 1});
  ranks.coordinator.add({.id = 2, .size = 2});
  EXPECT_TRUE(ranks.coordinator.wants_task());
  EXPECT_THAT(ranks.sent(MessageType::kTask), IsEmpty());
  ranks.coordinator.add({.id = 3, .size = 0});
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("0:2"));

  Ranks slow(1);
  slow.coordinator.begin_stage("", 3, 0);
  slow.say(0, MessageType::kWant, 1);
  slow.coordinator.add({.id = 1});
  slow.pass(1.5, {});
  EXPECT_THAT(slow.sent(MessageType::kTask), IsEmpty());
  slow.pass(1, {});
  EXPECT_THAT(slow.sent(MessageType::kTask), ElementsAre("0:1"));
}

// Even if it was lost and comes back.
TEST(Coordinator, ARankThatIsLeftOutHearsOfNoStage) {
  Ranks ranks(3);
  ranks.begin(0);
  ranks.pass(15, {0, 1});
  ranks.coordinator.close_stage();
  ranks.coordinator.leave_out(2);
  ranks.sent(MessageType::kStage);
  ranks.coordinator.begin_stage("text", 4, ranks.now);
  ranks.coordinator.add({.id = 7, .rank = 2});
  ranks.say(2, MessageType::kBeat);
  EXPECT_THAT(ranks.sent(MessageType::kStage), ElementsAre("0:0", "1:0"));
  ranks.coordinator.add({.id = 8, .rank = 2});
  ranks.coordinator.no_more_tasks();
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kDone);  // nobody else may do them
  ranks.coordinator.leave(0);
  EXPECT_THAT(ranks.sent(MessageType::kLeave), ElementsAre("0:0", "1:0", "2:0"));
}

// Which rank gets one ahead: the one that will soon be through, as the sizes of tasks foretell.
TEST(Coordinator, AheadWhenSoonThrough) {
  Ranks ranks(2);
  ranks.begin(30);
  for (const int rank : {0, 1}) ranks.say(rank, MessageType::kWant, 2);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("0:29", "1:28"));
  ranks.pass(10, {0, 1});
  EXPECT_THAT(ranks.sent(MessageType::kTask), IsEmpty()) << "nothing can be foretold";
  ranks.pass(18, {0, 1});
  ranks.say(1, MessageType::kResult, 28, "");  // 28 s for a size of 28
  ranks.say(1, MessageType::kWant, 1);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("1:27", "0:26"));
  ranks.pass(20, {0, 1});
  EXPECT_THAT(ranks.sent(MessageType::kTask), IsEmpty());
  ranks.pass(4, {0, 1});
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("1:25"));
}

TEST(Coordinator, NotAheadWhileAnotherHasNone) {
  Ranks ranks(2);
  ranks.begin(9);
  ranks.say(0, MessageType::kWant, 2);
  ranks.pass(1, {0, 1});
  ranks.say(0, MessageType::kResult, 8, "");
  ranks.say(0, MessageType::kWant, 1);
  ranks.pass(0.5, {0, 1});
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("0:8", "0:7"));
  ranks.say(1, MessageType::kWant, 2);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("1:6", "0:5", "1:4"));
}

TEST(Coordinator, WhatWasGivenAheadIsAskedBack) {
  for (const bool is_begun : {false, true}) {
    Ranks ranks(2);
    ranks.begin(4);
    for (const int rank : {0, 1}) ranks.say(rank, MessageType::kWant, 2);
    ranks.pass(2, {0, 1});
    ranks.say(1, MessageType::kResult, 2, "");
    ranks.say(1, MessageType::kWant, 1);
    ranks.pass(0.5, {0, 1});
    EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("0:3", "1:2", "1:1", "0:0"));
    if (is_begun) ranks.say(0, MessageType::kBeat, 2);
    ranks.say(1, MessageType::kResult, 1, "");
    ranks.say(1, MessageType::kWant, 1);
    if (is_begun) {
      EXPECT_THAT(ranks.sent(MessageType::kTakeBack), IsEmpty());
      continue;
    }
    EXPECT_THAT(ranks.sent(MessageType::kTakeBack), ElementsAre("0:0")) << "once";
    ranks.say(0, MessageType::kReturn, 0);
    ranks.say(0, MessageType::kWant, 1);
    EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("1:0"));
  }
}

TEST(Coordinator, TasksOfALostRankGoToOthers) {
  Ranks ranks(3);
  ranks.begin(2);
  ranks.say(1, MessageType::kWant, 1);
  ranks.say(2, MessageType::kWant, 1);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("1:1", "2:0"));
  ranks.pass(9, {0, 2});
  EXPECT_TRUE(ranks.coordinator.ranks()[1].is_alive);
  ranks.pass(2, {0, 2});
  EXPECT_FALSE(ranks.coordinator.ranks()[1].is_alive);
  EXPECT_THAT(ranks.coordinator.take_warnings(),
              ElementsAre("node1 (rank 1): not heard of for 10 s; its task is given to another"));
  ranks.say(2, MessageType::kResult, 0, "");
  ranks.say(2, MessageType::kWant, 1);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("2:1"));
  // It was only late: its result counts, the other one does not.
  ranks.say(1, MessageType::kResult, 1, "");
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kDone);
  ranks.say(2, MessageType::kResult, 1, "");
  EXPECT_THAT(ranks.results(), ElementsAre(0, 1));
  EXPECT_TRUE(ranks.coordinator.ranks()[1].is_alive);
  EXPECT_THAT(ranks.coordinator.take_warnings(), ElementsAre("node1 (rank 1): heard of again"));
}

TEST(Coordinator, ARankThatComesBackKeepsItsTasks) {
  Ranks ranks(2);
  ranks.begin(1);
  ranks.say(1, MessageType::kWant, 1);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("1:0"));
  ranks.pass(11, {0});
  ranks.say(1, MessageType::kBeat);
  ranks.say(0, MessageType::kWant, 1);
  EXPECT_THAT(ranks.sent(MessageType::kTask), IsEmpty());
  ranks.say(1, MessageType::kResult, 0, "");
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kDone);
}

TEST(Coordinator, WhoComesBackLaterGetsTheStageOfNow) {
  Ranks ranks(2);
  ranks.begin(1);
  ranks.pass(11, {0});
  ranks.say(0, MessageType::kWant, 1);
  ranks.say(0, MessageType::kResult, 0, "");
  EXPECT_THAT(ranks.sent(MessageType::kStage), ElementsAre("0:0", "1:0"));
  EXPECT_THAT(ranks.sent(MessageType::kStop), ElementsAre("0:0"));
  EXPECT_THAT(ranks.results(), ElementsAre(0));
  ranks.begin(1);
  EXPECT_THAT(ranks.sent(MessageType::kStage), ElementsAre("0:0"));
  ranks.say(1, MessageType::kResult, 0, "of the stage before", 1);
  EXPECT_THAT(ranks.sent(MessageType::kStage), ElementsAre("1:0"));
  EXPECT_THAT(ranks.results(), IsEmpty());
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kRunning);
}

TEST(Coordinator, AStalledLeaderBlamesNobody) {
  Ranks ranks(3);
  ranks.pass(6, {0, 1, 2});
  ranks.now += 100;  // suspended
  ranks.coordinator.tick(ranks.now);
  EXPECT_THAT(ranks.coordinator.take_warnings(),
              ElementsAre("node0 (rank 0): stood still for 100 s"));
  ranks.pass(9, {0});
  EXPECT_TRUE(ranks.coordinator.ranks()[1].is_alive);
  ranks.pass(2, {0});
  EXPECT_FALSE(ranks.coordinator.ranks()[1].is_alive);
}

TEST(Coordinator, StopEndsWhenNothingIsInHand) {
  Ranks ranks(3);
  ranks.begin(9);
  for (const int rank : {0, 1, 2}) ranks.say(rank, MessageType::kWant, 1);
  ranks.say(2, MessageType::kSignal);
  EXPECT_THAT(ranks.sent(MessageType::kStop), ElementsAre("0:0", "1:0", "2:0"));
  EXPECT_EQ(ranks.sent(MessageType::kTask).size(), 3U);
  ranks.say(0, MessageType::kResult, 8, "");
  ranks.say(1, MessageType::kReturn, 7);
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kRunning);
  ranks.say(2, MessageType::kResult, 6, "");
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kStopped);
  EXPECT_THAT(ranks.results(), ElementsAre(8, 6));
  ranks.coordinator.close_stage();
  ranks.coordinator.begin_stage("", 1, ranks.now);
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kStopped) << "so does any later stage";
  EXPECT_THAT(ranks.sent(MessageType::kStage), ElementsAre("0:0", "1:0", "2:0"));
}

TEST(Coordinator, TheFirstFaultIsTheSentence) {
  Ranks ranks(3);
  ranks.begin(2);
  ranks.say(1, MessageType::kFault, 0, "disk full");
  ranks.say(2, MessageType::kFault, 0, "also full");
  EXPECT_EQ(ranks.coordinator.fault(), "node1 (rank 1): disk full");
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kStopped);
}

TEST(Coordinator, AFaultAfterTheEndIsAWarning) {
  Ranks ranks(2);
  ranks.coordinator.leave(0);
  ranks.say(1, MessageType::kFault, 0, "disk full");
  EXPECT_EQ(ranks.coordinator.fault(), "");
  EXPECT_THAT(ranks.coordinator.take_warnings(), ElementsAre("node1 (rank 1): disk full"));
}

TEST(Coordinator, AStageMayBeStoppedAlone) {
  Ranks ranks(1);
  ranks.begin(3);
  ranks.say(0, MessageType::kWant, 1);
  EXPECT_EQ(ranks.coordinator.largest_not_begun()->id, 2) << "dealt, but not begun";
  ranks.say(0, MessageType::kBeat, 1);
  EXPECT_EQ(ranks.coordinator.largest_not_begun()->id, 1);
  ranks.coordinator.stop_stage();
  ranks.say(0, MessageType::kResult, 2, "");
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kStopped);
  EXPECT_FALSE(ranks.coordinator.is_stopping());
}

TEST(Coordinator, TasksOfOneRankOnly) {
  Ranks ranks(3);
  ranks.coordinator.begin_stage("", 4, 0);
  for (int i = 0; i < 3; ++i) ranks.coordinator.add({.id = i, .rank = 2 - i});
  ranks.coordinator.no_more_tasks();
  for (const int rank : {0, 1, 2}) ranks.say(rank, MessageType::kWant, 2);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("0:2", "1:1", "2:0"));
  ranks.say(0, MessageType::kResult, 2, "");
  ranks.say(1, MessageType::kResult, 1, "");
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kRunning);
  ranks.pass(11, {0, 1});
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kDone) << "rank 2 is lost, so is its task";
  EXPECT_THAT(ranks.results(), ElementsAre(2, 1));
}

TEST(Coordinator, AStageOfSomeRanks) {
  Ranks ranks(3);
  ranks.coordinator.begin_stage("", 2, 0, {1, 0, 1});
  for (int i = 0; i < 4; ++i) ranks.coordinator.add({.id = i, .size = 1});
  EXPECT_FALSE(ranks.coordinator.wants_task()) << "the window is that of two ranks";
  ranks.coordinator.no_more_tasks();
  ranks.pass(11, {0, 2});
  ranks.pass(1, {0, 1, 2});  // rank 1 comes back
  EXPECT_THAT(ranks.sent(MessageType::kStage), ElementsAre("0:0", "2:0"));
  for (const int rank : {0, 2}) ranks.say(rank, MessageType::kWant, 2);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("0:0", "2:1"));
  ranks.now += 1;
  ranks.say(0, MessageType::kResult, 0);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("0:2", "2:3")) << "one ahead";
  ranks.say(0, MessageType::kResult, 2);
  for (const int task : {1, 3}) ranks.say(2, MessageType::kResult, task);
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kDone);
  EXPECT_THAT(ranks.sent(MessageType::kStop), ElementsAre("0:0", "2:0"));
  ranks.begin(1);
  EXPECT_THAT(ranks.sent(MessageType::kStage), ElementsAre("0:0", "1:0", "2:0"));
}

TEST(Coordinator, AllLeaveTogether) {
  Ranks ranks(3);
  ranks.coordinator.leave(1);
  EXPECT_THAT(ranks.sent(MessageType::kLeave), ElementsAre("0:1", "1:0", "2:0"));
  ranks.say(1, MessageType::kGone);
  ranks.say(0, MessageType::kGone);
  ranks.pass(5, {2});
  EXPECT_THAT(ranks.sent(MessageType::kEnd), IsEmpty());
  ranks.say(2, MessageType::kGone);
  EXPECT_THAT(ranks.sent(MessageType::kEnd), ElementsAre("0:1", "1:1", "2:1"));
  EXPECT_TRUE(ranks.coordinator.all_left());
}

TEST(Coordinator, WhoIsLostIsNotWaitedFor) {
  Ranks ranks(3);
  ranks.coordinator.leave(75);
  EXPECT_THAT(ranks.sent(MessageType::kLeave), ElementsAre("0:75", "1:75", "2:75"));
  for (const int rank : {0, 1}) ranks.say(rank, MessageType::kGone);
  ranks.pass(11, {});
  EXPECT_THAT(ranks.sent(MessageType::kEnd), ElementsAre("0:0", "1:0", "2:0"));
  EXPECT_TRUE(ranks.coordinator.is_over());
  EXPECT_FALSE(ranks.coordinator.all_left());
}

TEST(Coordinator, WhoLeavesEarlyIsLost) {
  Ranks ranks(2);
  ranks.begin(1);
  ranks.say(1, MessageType::kWant, 1);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("1:0"));
  ranks.say(1, MessageType::kGone);
  EXPECT_THAT(ranks.coordinator.take_warnings(),
              ElementsAre("node1 (rank 1): left before the end; its task is given to another"));
  ranks.say(0, MessageType::kWant, 1);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("0:0"));
  ranks.say(0, MessageType::kResult, 0, "");
  ranks.coordinator.leave(0);
  ranks.say(0, MessageType::kGone);
  EXPECT_TRUE(ranks.coordinator.is_over());
  EXPECT_FALSE(ranks.coordinator.all_left());
}

TEST(Coordinator, ATaskInTwoHandsWaitsOnlyWithoutBoth) {
  Ranks ranks(3);
  ranks.begin(1);
  ranks.say(1, MessageType::kWant, 1);
  ranks.pass(11, {0, 2});
  ranks.say(2, MessageType::kWant, 1);
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("1:0", "2:0"));
  ranks.say(0, MessageType::kWant, 1);
  ranks.pass(11, {0, 1});  // 1 is back, 2 is lost
  EXPECT_THAT(ranks.sent(MessageType::kTask), IsEmpty());
  ranks.pass(11, {0});
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("0:0"));
}

TEST(Coordinator, SignsOfLife) {
  Ranks ranks(3);
  ranks.pass(10, {0, 1, 2});
  EXPECT_EQ(ranks.sent(MessageType::kAlive).size(), 20U);
  ranks.pass(60, {0, 1});
  EXPECT_EQ(ranks.sent(MessageType::kAlive).size(), 60U + 20U) << "a lost one may come back";
}

TEST(Coordinator, OddMessages) {
  Ranks ranks(2);
  ranks.begin(2);
  ranks.say(1, MessageType::kWant, -5);
  ranks.say(1, MessageType::kWant, int64_t{1} << 40);
  ranks.say(1, MessageType::kResult, 77, "");
  ranks.say(1, MessageType::kReturn, 77);
  EXPECT_THAT(ranks.sent(MessageType::kTask), IsEmpty());
  EXPECT_THAT(ranks.results(), IsEmpty());
  ranks.say(1, MessageType::kTask, 1);
  EXPECT_EQ(ranks.coordinator.fault(),
            "node1 (rank 1): sent a message of type 9, which only rank 0 sends");
}

}  // namespace
}  // namespace coordinator_test
}  // namespace qk
