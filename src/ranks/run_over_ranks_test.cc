#include "ranks/run_over_ranks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ranks/test_ranks.h"

namespace qk {
namespace run_over_ranks_test {

using testing::HasSubstr;
using testing::IsEmpty;

class RunOverRanks : public testing::Test {
 protected:
  const TestFolder folder_;
  const std::filesystem::path out_ = folder_ / "data";
};

TEST_F(RunOverRanks, GivesTheBytesOfOneProcess) {
  const std::vector<std::string> texts = some_texts(12);
  const auto alone = dataset_alone(texts);
  ASSERT_GT(alone.size(), 3U);
  for (const int count : {1, 2, 4}) {
    const std::filesystem::path out = folder_ / std::to_string(count);
    const std::vector<RankEnd> ends = TestRanks{.count = count, .texts = texts, .out = out}.run();
    for (const RankEnd& rank : ends) {
      EXPECT_EQ(rank.error, "");
      EXPECT_EQ(rank.end.exit_code, 0);
      EXPECT_TRUE(rank.end.all_left);
    }
    EXPECT_EQ(files_in(out), alone) << count << " ranks";
    EXPECT_EQ(ends[0].end.report.counts.num_documents, 12);
  }
}

}  // namespace run_over_ranks_test
}  // namespace qk
