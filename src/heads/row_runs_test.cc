#include "heads/row_runs.h"

#include <gtest/gtest.h>

namespace qk {
namespace {

TEST(RowRuns, AreRowsOfOneValueInTableOrder) {
  const std::vector<int64_t> column = {4, -1, 4, 7, -1, 4};
  const std::vector<int64_t> sorted = sorted_rows(column);
  EXPECT_EQ(sorted, (std::vector<int64_t>{1, 4, 0, 2, 5, 3}));
  const std::vector<RowRun> runs = row_runs(column, sorted);
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[0].value, -1);
  EXPECT_EQ(runs[1].value, 4);
  EXPECT_EQ(std::vector<int64_t>(runs[1].rows.begin(), runs[1].rows.end()),
            (std::vector<int64_t>{0, 2, 5}));
  EXPECT_EQ(runs[2].value, 7);
  EXPECT_EQ(runs[2].rows.size(), 1U);
  EXPECT_TRUE(row_runs({}, {}).empty());
}

}  // namespace
}  // namespace qk
