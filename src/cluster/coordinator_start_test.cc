// The rules of rank 0 until it has heard of all ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/coordinator.h"

namespace qk {
namespace coordinator_start_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr CrewTimes kTestTimes = {.beat = 1, .lost = 10, .sleep = 0.001, .fill = 2, .start = 40};

TEST(CoordinatorStart, ARankThatSaysNothing) {
  Coordinator coordinator(2, kTestTimes, 0);
  coordinator.receive(0, {.type = MessageType::kHello, .text = "n\n{}"}, 0);
  for (double now = 0; now < 41; now += 0.5) coordinator.tick(now);
  EXPECT_THAT(coordinator.without_hello(true), ElementsAre(1));
  EXPECT_THAT(coordinator.take_warnings(), ElementsAre("rank 1: not heard of for 40 s"));
  coordinator.receive(1, {.type = MessageType::kHello, .text = "m\n{}"}, 41);
  EXPECT_THAT(coordinator.without_hello(false), IsEmpty());
}

TEST(CoordinatorStart, ARankMayBeginLate) {
  Coordinator coordinator(2, kTestTimes, 0);
  coordinator.receive(0, {.type = MessageType::kHello, .text = "n\n{}"}, 0);
  double now = 0;
  int num_alive = 0;
  const auto pass = [&](double end) {
    for (; now < end; now += 0.5) coordinator.tick(now);
    for (const Coordinator::Send& send : coordinator.take_sends()) {
      num_alive += send.to == 1 && send.head.type == MessageType::kAlive ? 1 : 0;
    }
  };
  pass(30);
  EXPECT_EQ(num_alive, 30) << "whenever it begins, it is to hear of rank 0 at once";
  EXPECT_FALSE(coordinator.is_complete());
  coordinator.receive(1, {.type = MessageType::kHello, .text = "m\n{}"}, now);
  pass(39);
  EXPECT_TRUE(coordinator.is_complete());
  EXPECT_THAT(coordinator.take_warnings(), IsEmpty());
  pass(41);
  EXPECT_THAT(coordinator.take_warnings(), ElementsAre("m (rank 1): not heard of for 10 s"));
}

// Who may be silent for longer later may begin as late.
TEST(CoordinatorStart, ItIsNoShorterThanTheSilenceOfALostRank) {
  Coordinator coordinator(2, {.beat = 1, .lost = 10, .start = 3}, 0);
  coordinator.receive(0, {.type = MessageType::kHello, .text = "n\n{}"}, 0);
  for (double now = 0; now < 10; now += 0.5) coordinator.tick(now);
  EXPECT_THAT(coordinator.without_hello(true), IsEmpty());
  for (double now = 10; now < 12; now += 0.5) coordinator.tick(now);
  EXPECT_THAT(coordinator.without_hello(true), ElementsAre(1));
}

// docs/cluster.md, "What survives what".
TEST(CoordinatorStart, RanksHave15Minutes) {
  Coordinator coordinator(2, {}, 0);
  coordinator.receive(0, {.type = MessageType::kHello, .text = "n\n{}"}, 0);
  for (double now = 0; now <= 899; ++now) coordinator.tick(now);
  EXPECT_THAT(coordinator.without_hello(true), IsEmpty());
  for (double now = 899; now <= 902; ++now) coordinator.tick(now);
  EXPECT_THAT(coordinator.without_hello(true), ElementsAre(1));
}

TEST(CoordinatorStart, WhoLeavesBeforeAllHaveBegun) {
  Coordinator coordinator(2, kTestTimes, 0);
  coordinator.receive(0, {.type = MessageType::kHello, .text = "n\n{}"}, 0);
  coordinator.receive(1, {.type = MessageType::kHello, .text = "m\n{}"}, 0);
  coordinator.receive(1, {.type = MessageType::kGone}, 0);  // it waited for rank 0 in vain
  coordinator.tick(0);
  EXPECT_EQ(coordinator.fault(), "m (rank 1): left before all ranks had begun");
}

// At the end it is too late for a rank to begin.
TEST(CoordinatorStart, LeavingWithoutARank) {
  Coordinator coordinator(2, kTestTimes, 0);
  coordinator.receive(0, {.type = MessageType::kHello, .text = "n\n{}"}, 0);
  double now = 0;
  for (; now < 15; now += 0.5) coordinator.tick(now);
  coordinator.leave(1);
  coordinator.receive(0, {.type = MessageType::kGone}, now);
  for (; now < 24; now += 0.5) coordinator.tick(now);
  EXPECT_FALSE(coordinator.is_over());
  for (; now < 26; now += 0.5) coordinator.tick(now);
  EXPECT_TRUE(coordinator.is_over());
  EXPECT_FALSE(coordinator.all_left());
}

}  // namespace
}  // namespace coordinator_start_test
}  // namespace qk
