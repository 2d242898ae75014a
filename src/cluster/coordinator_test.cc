// The rules of rank 0 for tasks, one by one; simulation_test.cc has them all at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/test_coordinator.h"

namespace qk {
namespace coordinator_test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = Coordinator::StageState;

TEST(Coordinator, LongestFirstAndOneEach) {
  SaidRanks ranks(2);
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
  SaidRanks ranks(1);
  ranks.coordinator.begin_stage("", 3, 0);
  ranks.say(0, MessageType::kWant, 1);
  ranks.coordinator.add({.id = 1, .size = 1});
  ranks.coordinator.add({.id = 2, .size = 2});
  EXPECT_TRUE(ranks.coordinator.wants_task());
  EXPECT_THAT(ranks.sent(MessageType::kTask), IsEmpty());
  ranks.coordinator.add({.id = 3, .size = 0});
  EXPECT_THAT(ranks.sent(MessageType::kTask), ElementsAre("0:2"));

  SaidRanks slow(1);
  slow.coordinator.begin_stage("", 3, 0);
  slow.say(0, MessageType::kWant, 1);
  slow.coordinator.add({.id = 1});
  slow.pass(1.5, {});
  EXPECT_THAT(slow.sent(MessageType::kTask), IsEmpty());
  slow.pass(1, {});
  EXPECT_THAT(slow.sent(MessageType::kTask), ElementsAre("0:1"));
}

// Even if it was lost and comes back.
// Which rank gets one ahead: the one that will soon be through, as the sizes of tasks foretell.
TEST(Coordinator, AheadWhenSoonThrough) {
  SaidRanks ranks(2);
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
  SaidRanks ranks(2);
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
    SaidRanks ranks(2);
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

TEST(Coordinator, StopEndsWhenNothingIsInHand) {
  SaidRanks ranks(3);
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

TEST(Coordinator, ASignalToAllRanksIsSaidOnce) {
  SaidRanks ranks(64);
  ranks.begin(64);
  for (const int rank : {2, 0, 1}) ranks.say(rank, MessageType::kSignal);
  for (int rank = 3; rank < 64; ++rank) ranks.say(rank, MessageType::kSignal);
  EXPECT_THAT(
      ranks.coordinator.take_warnings(),
      ElementsAre("node2 (rank 2): received a signal; all ranks finish the work in progress, "
                  "then stop"));
  SaidRanks late(2);
  late.coordinator.leave(0);
  late.say(1, MessageType::kSignal);
  EXPECT_THAT(late.coordinator.take_warnings(), IsEmpty()) << "there is nothing to stop";
}

TEST(Coordinator, TheFirstFaultIsTheSentence) {
  SaidRanks ranks(3);
  ranks.begin(2);
  ranks.say(1, MessageType::kFault, 0, "disk full");
  ranks.say(2, MessageType::kFault, 0, "also full");
  EXPECT_EQ(ranks.coordinator.fault(), "node1 (rank 1): disk full");
  EXPECT_EQ(ranks.coordinator.stage_state(), State::kStopped);
}

TEST(Coordinator, AFaultAfterTheEndIsAWarning) {
  SaidRanks ranks(2);
  ranks.coordinator.leave(0);
  ranks.say(1, MessageType::kFault, 0, "disk full");
  EXPECT_EQ(ranks.coordinator.fault(), "");
  EXPECT_THAT(ranks.coordinator.take_warnings(), ElementsAre("node1 (rank 1): disk full"));
}

TEST(Coordinator, AStageMayBeStoppedAlone) {
  SaidRanks ranks(1);
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

TEST(Coordinator, OddMessages) {
  SaidRanks ranks(2);
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
