// The rules of a worker's side, one by one.
#include "cluster/follower.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qk {
namespace follower_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr CrewTimes kTestTimes = {.beat = 1, .lost = 10, .sleep = 0.001, .fill = 2, .start = 40};

struct Rank {
  explicit Rank(int in_hand = 2)
      : follower({.rank = 1, .host = "node1", .hello = "{}", .in_hand = in_hand}, kTestTimes, 0) {}

  void hear(MessageType type, int64_t number = 0, std::string text = {}, int32_t stage = 1) {
    follower.receive({.type = type, .stage = stage, .number = number, .text = std::move(text)},
                     now);
  }
  void enter() {
    hear(MessageType::kStage, 0, "text");
    EXPECT_TRUE(follower.take_stage().has_value());
    said();
  }
  void pass(double seconds) {
    for (const double end = now + seconds; now < end;) {
      now += 0.5;
      follower.tick(now);
    }
  }
  // What it said, as "type:number", but no sign of life.
  std::vector<std::string> said() {
    constexpr const char* kNames[] = {"hello", "want",  "result", "return",
                                      "beat",  "fault", "signal", "gone"};
    std::vector<std::string> all;
    for (const Message& message : follower.take_sends()) {
      if (message.type == MessageType::kBeat) continue;
      all.push_back(
          fmt::format("{}:{}", kNames[static_cast<size_t>(message.type)], message.number));
    }
    return all;
  }

  double now = 0;
  Follower follower;
};

TEST(Follower, AsksAhead) {
  Rank rank;
  EXPECT_THAT(rank.said(), ElementsAre("hello:0"));
  EXPECT_FALSE(rank.follower.take_stage().has_value());
  rank.hear(MessageType::kStage, 0, "text");
  EXPECT_EQ(rank.follower.take_stage()->text, "text");
  EXPECT_THAT(rank.said(), ElementsAre("want:2"));
  rank.hear(MessageType::kTask, 5, "a");
  rank.hear(MessageType::kTask, 6, "b");
  const auto task = rank.follower.take_task();
  EXPECT_EQ(task->text, "a");
  EXPECT_THAT(rank.said(), IsEmpty()) << "two in hand";
  rank.follower.add_result(*task, "x");
  EXPECT_THAT(rank.said(), ElementsAre("result:5", "want:1"));
  rank.follower.add_result(*task, "again");
  EXPECT_THAT(rank.said(), IsEmpty());
}

TEST(Follower, GivesBackWhatIsNotBegun) {
  Rank rank;
  rank.enter();
  rank.hear(MessageType::kTask, 5);
  rank.hear(MessageType::kTask, 6);
  const auto task = rank.follower.take_task();
  rank.hear(MessageType::kStop);
  EXPECT_TRUE(rank.follower.ended());
  EXPECT_THAT(rank.said(), ElementsAre("return:6"));
  EXPECT_FALSE(rank.follower.take_task().has_value());
  rank.hear(MessageType::kTask, 7);  // was under way
  rank.follower.add_result(*task, "");
  EXPECT_THAT(rank.said(), ElementsAre("return:7", "result:5"));
}

TEST(Follower, TasksCanBeAskedBack) {
  Rank rank;
  rank.enter();
  rank.hear(MessageType::kTask, 5);
  rank.hear(MessageType::kTask, 6);
  rank.follower.take_task();
  rank.hear(MessageType::kTakeBack, 6);
  EXPECT_THAT(rank.said(), ElementsAre("return:6", "want:1"));
  rank.hear(MessageType::kTakeBack, 5);  // begun
  const std::vector<Message> answers = rank.follower.take_sends();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].type, MessageType::kBeat);
  EXPECT_EQ(answers[0].number, 1);
}

TEST(Follower, LeavesAStageWithItsTasks) {
  Rank rank;
  rank.enter();
  rank.hear(MessageType::kTask, 5);
  rank.hear(MessageType::kTask, 6);
  rank.follower.take_task();
  EXPECT_FALSE(rank.follower.take_stage().has_value());
  EXPECT_THAT(rank.said(), ElementsAre("return:6", "return:5"));
  rank.hear(MessageType::kTask, 7);
  EXPECT_THAT(rank.said(), ElementsAre("return:7"));
}

TEST(Follower, ANewStageEndsTheOldOne) {
  Rank rank;
  rank.enter();
  rank.hear(MessageType::kTask, 5);
  const auto task = rank.follower.take_task();
  rank.hear(MessageType::kStage, 0, "second", 2);
  EXPECT_TRUE(rank.follower.ended());
  rank.hear(MessageType::kStage, 0, "third", 3);
  const auto begin = rank.follower.take_stage();
  EXPECT_EQ(begin->stage, 3);
  EXPECT_EQ(begin->text, "third");
  rank.follower.add_result(*task, "late");
  EXPECT_THAT(rank.said(), ElementsAre("want:2")) << "rank 0 wants no result of stage 1";
  rank.hear(MessageType::kStage, 0, "fourth", 4);
  rank.hear(MessageType::kStop, 0, "", 4);
  EXPECT_FALSE(rank.follower.take_stage().has_value()) << "it is over already";
}

TEST(Follower, AStopIsSaidAndObeyedAtOnce) {
  Rank rank;
  rank.enter();
  rank.hear(MessageType::kTask, 5);
  rank.follower.stop();
  rank.follower.stop();
  EXPECT_THAT(rank.said(), ElementsAre("signal:0", "return:5"));
  EXPECT_TRUE(rank.follower.ended());
  EXPECT_FALSE(rank.follower.is_over());
}

TEST(Follower, LeavesWhenItsWorkHasEnded) {
  Rank rank;
  rank.said();
  rank.hear(MessageType::kLeave, 75);
  EXPECT_TRUE(rank.follower.is_over());
  rank.pass(1);
  EXPECT_THAT(rank.said(), IsEmpty());
  rank.follower.end_work();
  rank.pass(1);
  EXPECT_THAT(rank.said(), ElementsAre("gone:0"));
  EXPECT_FALSE(rank.follower.is_ended());
  rank.hear(MessageType::kEnd, 1);
  EXPECT_TRUE(rank.follower.is_ended());
  EXPECT_TRUE(rank.follower.all_left());
  EXPECT_EQ(rank.follower.exit_code(), 75);
}

TEST(Follower, WorkThatEndsTooEarlyIsAFault) {
  Rank rank;
  rank.enter();
  rank.hear(MessageType::kTask, 5);
  rank.follower.take_task();
  rank.follower.end_work();
  EXPECT_THAT(rank.said(), ElementsAre("fault:0", "return:5"));
}

TEST(Follower, WithoutRank0) {
  Rank rank;
  rank.enter();
  rank.hear(MessageType::kTask, 5);
  rank.hear(MessageType::kTask, 6);
  const auto task = rank.follower.take_task();
  rank.pass(9);
  EXPECT_FALSE(rank.follower.ended());
  rank.hear(MessageType::kAlive);
  rank.pass(9);
  EXPECT_FALSE(rank.follower.ended());
  rank.pass(2);
  EXPECT_TRUE(rank.follower.ended());
  rank.follower.add_result(*task, "");
  EXPECT_FALSE(rank.follower.take_stage().has_value());
  EXPECT_TRUE(rank.follower.is_over());
  rank.follower.end_work();
  rank.pass(1);
  EXPECT_THAT(rank.said(), ElementsAre("result:5", "gone:0"));
  EXPECT_TRUE(rank.follower.is_ended());
  EXPECT_FALSE(rank.follower.all_left());
  EXPECT_EQ(rank.follower.exit_code(), 75);
}

TEST(Follower, Rank0MayBeginLate) {
  Rank rank;
  rank.pass(30);
  EXPECT_FALSE(rank.follower.is_leader_lost());
  EXPECT_EQ(rank.follower.take_sends().size(), 1U) << "its hello";
  rank.hear(MessageType::kAlive);
  rank.pass(9);
  EXPECT_FALSE(rank.follower.is_leader_lost());
  rank.pass(2);
  EXPECT_TRUE(rank.follower.is_leader_lost()) << "from now on it may not be silent";
  EXPECT_TRUE(rank.follower.has_heard_leader());
}

TEST(Follower, Rank0MayBeginAsLateAsItMayBeSilent) {
  Follower follower({.rank = 1, .host = "node1", .hello = "{}"},
                    {.beat = 1, .lost = 10, .start = 3}, 0);
  for (double now = 0; now < 10; now += 0.5) follower.tick(now);
  EXPECT_FALSE(follower.is_leader_lost());
  for (double now = 10; now < 12; now += 0.5) follower.tick(now);
  EXPECT_TRUE(follower.is_leader_lost());
}

TEST(Follower, Rank0Has15Minutes) {
  Follower follower({.rank = 1, .host = "node1", .hello = "{}"}, {}, 0);
  for (double now = 0; now <= 899; ++now) follower.tick(now);
  EXPECT_FALSE(follower.is_leader_lost());
  for (double now = 899; now <= 902; ++now) follower.tick(now);
  EXPECT_TRUE(follower.is_leader_lost());
}

TEST(Follower, Rank0MayNotBeginTooLate) {
  Rank rank;
  rank.pass(39);
  EXPECT_FALSE(rank.follower.is_leader_lost());
  rank.pass(2);
  EXPECT_TRUE(rank.follower.is_leader_lost());
  EXPECT_FALSE(rank.follower.has_heard_leader());
  EXPECT_EQ(rank.follower.exit_code(), 75);
}

// Rank 0 thought it lost, and ended without it.
TEST(Follower, RankZeroEndsFirst) {
  Rank rank;
  rank.said();
  rank.hear(MessageType::kLeave, 0);
  rank.hear(MessageType::kEnd, 0);
  EXPECT_FALSE(rank.follower.is_ended());
  rank.follower.end_work();
  rank.pass(1);
  EXPECT_TRUE(rank.follower.is_ended());
  EXPECT_FALSE(rank.follower.all_left());
  EXPECT_EQ(rank.follower.exit_code(), 0);
}

TEST(Follower, ASuspendedRankDoesNotBlameRank0) {
  Rank rank;
  rank.hear(MessageType::kAlive);
  rank.pass(5);
  rank.now += 100;
  rank.pass(9);
  EXPECT_FALSE(rank.follower.is_leader_lost());
  rank.pass(2);
  EXPECT_TRUE(rank.follower.is_leader_lost());
}

TEST(Follower, SignsOfLife) {
  Rank rank;
  rank.enter();
  rank.follower.show("half");
  std::vector<std::string> texts;
  for (int i = 0; i < 3; ++i) {
    rank.pass(1);
    for (const Message& message : rank.follower.take_sends()) {
      EXPECT_EQ(message.type, MessageType::kBeat);
      texts.push_back(message.text);
    }
  }
  EXPECT_THAT(texts, ElementsAre("half", "", ""));
}

}  // namespace
}  // namespace follower_test
}  // namespace qk
