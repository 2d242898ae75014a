#include "ranks/rank_journals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace qk {
namespace rank_journals_test {

using testing::ElementsAre;

TEST(WritingRanks, AreThoseOfSixteenNodes) {
  EXPECT_THAT(writing_ranks(std::vector<std::string>{"a", "b", "a"}), ElementsAre(1, 1, 1));
  std::vector<std::string> nodes;  // two ranks each
  for (int rank = 0; rank < 40; ++rank) nodes.push_back(std::to_string(rank % 20));
  const std::vector<uint8_t> ranks = writing_ranks(nodes);
  ASSERT_EQ(ranks.size(), 40U);
  for (int rank = 0; rank < 40; ++rank) {
    EXPECT_EQ(ranks[static_cast<size_t>(rank)], rank % 20 < 16 ? 1 : 0) << rank;
  }
}

}  // namespace rank_journals_test
}  // namespace qk
