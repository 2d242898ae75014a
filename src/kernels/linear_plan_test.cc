#include "kernels/linear_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace qk {
namespace {

// Every (job, row panel, column panel) in exactly one task, and no task too wide.
void expect_partition(int64_t row_panels, const std::vector<int64_t>& col_panels, int threads) {
  std::map<std::tuple<int64_t, int64_t, int64_t>, int> seen;
  for (const LinearTask& t : plan_linear(row_panels, col_panels, threads)) {
    EXPECT_LE(t.end_col_panel - t.first_col_panel, kGroupPanels);
    for (int64_t m = t.first_row_panel; m < t.end_row_panel; ++m) {
      for (int64_t n = t.first_col_panel; n < t.end_col_panel; ++n) ++seen[{t.job, m, n}];
    }
  }
  int64_t total = 0;
  for (const int64_t n : col_panels) total += n * row_panels;
  EXPECT_EQ(static_cast<int64_t>(seen.size()), total);
  for (const auto& [tile, count] : seen) EXPECT_EQ(count, 1);
}

TEST(LinearPlanTest, EveryTileIsInExactlyOneTask) {
  const std::vector<std::vector<int64_t>> shapes = {{18}, {18, 6, 6}, {1}, {0, 3}, {96}, {}};
  for (const auto& col_panels : shapes) {
    for (const int64_t row_panels : {1, 5, 74}) {
      for (const int threads : {1, 2, 16, 96}) expect_partition(row_panels, col_panels, threads);
    }
  }
}

// Tasks taken in order by whichever thread is free: the last one to finish has little more than its
// share. Without the cutting of the last tasks, the worst of these has 1.21 times its share.
TEST(LinearPlanTest, ThreadsFinishTogether) {
  const std::vector<std::vector<int64_t>> shapes = {{18}, {18, 6, 6}, {33}, {50}};
  for (const auto& col_panels : shapes) {
    const int64_t total = std::accumulate(col_panels.begin(), col_panels.end(), int64_t{0});
    for (const int threads : {2, 3, 4, 8, 16}) {
      std::vector<int64_t> busy(static_cast<size_t>(threads), 0);
      for (const LinearTask& t : plan_linear(74, col_panels, threads)) {
        *std::ranges::min_element(busy) +=
            (t.end_row_panel - t.first_row_panel) * (t.end_col_panel - t.first_col_panel);
      }
      EXPECT_LE(std::ranges::max(busy), 1.04 * 74 * static_cast<double>(total) / threads)
          << total << " panels, " << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace qk
