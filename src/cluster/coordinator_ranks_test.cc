// The rules of rank 0 for ranks: who takes part, who is lost, who comes back, how all leave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/test_coordinator.h"

namespace qk {
namespace coordinator_ranks_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = Coordinator::StageState;

TEST(CoordinatorRanks, ARankThatIsLeftOutHearsOfNoStage) {
  SaidRanks ranks(3);
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

TEST(CoordinatorRanks, TasksOfALostRankGoToOthers) {
  SaidRanks ranks(3);
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

TEST(CoordinatorRanks, ARankThatComesBackKeepsItsTasks) {
  SaidRanks ranks(2);
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

TEST(CoordinatorRanks, WhoComesBackLaterGetsTheStageOfNow) {
  SaidRanks ranks(2);
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

TEST(CoordinatorRanks, AStalledLeaderBlamesNobody) {
  SaidRanks ranks(3);
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

TEST(CoordinatorRanks, TasksOfOneRankOnly) {
  SaidRanks ranks(3);
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

TEST(CoordinatorRanks, AStageOfSomeRanks) {
  SaidRanks ranks(3);
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

TEST(CoordinatorRanks, AllLeaveTogether) {
  SaidRanks ranks(3);
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

TEST(CoordinatorRanks, WhoIsLostIsNotWaitedFor) {
  SaidRanks ranks(3);
  ranks.coordinator.leave(75);
  EXPECT_THAT(ranks.sent(MessageType::kLeave), ElementsAre("0:75", "1:75", "2:75"));
  for (const int rank : {0, 1}) ranks.say(rank, MessageType::kGone);
  ranks.pass(11, {});
  EXPECT_THAT(ranks.sent(MessageType::kEnd), ElementsAre("0:0", "1:0", "2:0"));
  EXPECT_TRUE(ranks.coordinator.is_over());
  EXPECT_FALSE(ranks.coordinator.all_left());
}

TEST(CoordinatorRanks, WhoLeavesEarlyIsLost) {
  SaidRanks ranks(2);
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

TEST(CoordinatorRanks, ATaskInTwoHandsWaitsOnlyWithoutBoth) {
  SaidRanks ranks(3);
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

TEST(CoordinatorRanks, SignsOfLife) {
  SaidRanks ranks(3);
  ranks.pass(10, {0, 1, 2});
  EXPECT_EQ(ranks.sent(MessageType::kAlive).size(), 20U);
  ranks.pass(60, {0, 1});
  EXPECT_EQ(ranks.sent(MessageType::kAlive).size(), 60U + 20U) << "a lost one may come back";
}

}  // namespace
}  // namespace coordinator_ranks_test
}  // namespace qk
