#include "ranks/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qk {
namespace placement_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kGiB = int64_t{1} << 30;

RankRoom room(const char* host, const char* cores, int num_cores, int node_cores = 128) {
  return {host, host, cores, num_cores, node_cores, 256 * kGiB};
}

std::vector<int> threads(const std::vector<RankRoom>& ranks) {
  std::vector<int> out;
  for (const Placement& placement : place_ranks(ranks)) out.push_back(placement.num_threads);
  return out;
}

TEST(Placement, OneRankOfANodeHasItsMask) {
  EXPECT_THAT(threads({room("a", "0-127", 128), room("b", "0-63", 64)}), ElementsAre(128, 64));
}

TEST(Placement, EqualMasksOfANodeAreShared) {
  EXPECT_THAT(threads({room("a", "0-9", 10), room("b", "0-9", 10), room("a", "0-9", 10),
                       room("a", "0-9", 10), room("a", "0-9", 10)}),
              ElementsAre(3, 10, 3, 2, 2));
}

TEST(Placement, DifferentMasksAreNotShared) {
  EXPECT_THAT(threads({room("a", "0-7", 8), room("a", "8-15", 8), room("a", "8-15", 8)}),
              ElementsAre(8, 4, 4));
}

TEST(Placement, EveryRankHasAThread) {
  EXPECT_THAT(threads({room("a", "0", 1), room("a", "0", 1), room("a", "0", 1)}),
              ElementsAre(1, 1, 1));
}

TEST(Placement, MemoryIsDividedAmongTheRanksOfANode) {
  const std::vector<RankRoom> ranks = {room("a", "0-7", 8), room("a", "8-15", 8),
                                       room("b", "0-7", 8)};
  const std::vector<Placement> placed = place_ranks(ranks);
  EXPECT_EQ(placed[0].memory_bytes, 128 * kGiB);
  EXPECT_EQ(placed[1].memory_bytes, 128 * kGiB);
  EXPECT_EQ(placed[2].memory_bytes, 256 * kGiB);
}

TEST(Placement, NodesWithOneNameShareNothing) {
  std::vector<RankRoom> ranks = {room("gpu", "0-7", 8), room("gpu", "0-7", 8)};
  ranks[1].node = "another";
  EXPECT_THAT(threads(ranks), ElementsAre(8, 8));
  EXPECT_EQ(place_ranks(ranks)[0].memory_bytes, 256 * kGiB);
}

TEST(Placement, OneCoreOfManyIsWarnedOf) {
  const std::vector<RankRoom> ranks = {room("a", "0-127", 128), room("n2", "5", 1),
                                       room("n3", "5", 1)};
  EXPECT_THAT(placement_warnings(ranks),
              ElementsAre(AllOf(HasSubstr("n2 computes on one core of 128, and so do 1 more"),
                                HasSubstr("srun --cpus-per-task"))));
}

TEST(Placement, ManyRanksOnOneCoreEachAreNotWarnedOf) {
  const std::vector<RankRoom> ranks = {room("a", "0", 1, 3), room("a", "1", 1, 3)};
  EXPECT_THAT(placement_warnings(ranks), IsEmpty());
  EXPECT_THAT(placement_warnings(std::vector<RankRoom>{room("a", "0", 1, 1)}), IsEmpty());
  const std::vector<RankRoom> wide = {room("a", "0", 1, 4), room("a", "1", 1, 4)};
  EXPECT_EQ(placement_warnings(wide).size(), 1U);
}

TEST(Placement, TooLittleMemoryIsWarnedOf) {
  const RankRoom rank = room("a", "0-7", 8);
  EXPECT_EQ(memory_warning(rank, {.memory_bytes = 4'000'000'000}, 4'000'000'000), "");
  EXPECT_EQ(memory_warning(rank, {.memory_bytes = 0}, 1), "");  // not known
  EXPECT_EQ(
      memory_warning(rank, {.memory_bytes = 4'000'000'000}, 5'200'000'000),
      "a rank needs about 5.2 GB beside the weights, and its share of a is 4.0 GB: start fewer "
      "ranks on a node, or give each a limit with --ram");
}

TEST(DeviceIdentity, CountsWhatTheVariableAndTheSystemLeave) {
  struct Row {
    std::optional<std::string> visible;
    std::vector<int> minors;
    int index;
    const char* identity;
  };
  for (const Row& row : std::vector<Row>{
           {std::nullopt, {0, 1, 2, 3}, 2, "gpu 2"},
           {"", {0, 1}, 1, "gpu 1"},
           {"3", {0, 1, 2, 3}, 0, "gpu 3"},
           {"2,0", {0, 1, 2, 3}, 1, "gpu 0"},
           {"0", {5}, 0, "gpu 5"},  // a control group shows one of eight
           {"GPU-1f2e", {0, 1}, 0, "GPU-1f2e"},
           {"0,MIG-77", {0, 1}, 1, "MIG-77"},
           {std::nullopt, {}, 1, "gpu 1"},
           {"1", {}, 0, "gpu 1"},
           {"0", {0}, 2, "gpu 2 of 0"},
       }) {
    EXPECT_EQ(device_identity(row.visible, row.minors, row.index), row.identity);
  }
}

}  // namespace placement_test
}  // namespace qk
