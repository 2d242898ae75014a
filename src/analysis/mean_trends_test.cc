#include "analysis/mean_trends.h"

#include <gtest/gtest.h>

namespace qk {
namespace mean_trends_test {

HeadMetrics head_of(double slope, BucketRanges ranges) {
  HeadMetrics out;
  out.ranges = std::move(ranges);
  out.document_ids = {1, 2, 3, 4, 5, 6};
  out.error_bars = {.kind = ErrorBars::kJackknife};
  MethodResult& method = out.methods.emplace_back();
  method.name = "bucket";
  MethodTrend& trend = method.trends.emplace_back();
  trend.kind = TrendKind::kPosition;
  trend.documents = 6;
  trend.values = {slope};
  for (int r = 0; r < 6; ++r) trend.values.push_back(slope + 0.01 * (r - 2.5));
  trend.interval.low = slope - 0.05;
  trend.interval.high = slope + 0.05;
  return out;
}

TEST(MeanTrends, AverageHeadsAndCountThoseThatRiseAndFall) {
  MeanTrends trends;
  for (const double slope : {0.1, -0.2, 0.01}) {
    trends.add(head_of(slope, BucketRanges::uniform(64)));
  }
  HeadMetrics without = head_of(0, BucketRanges::uniform(64));
  without.methods[0].trends[0].values = {kNotANumber};
  trends.add(without);
  const std::vector<MeanTrend> result = trends.result();
  ASSERT_EQ(result.size(), 1U);
  EXPECT_EQ(result[0].heads, "all");
  EXPECT_EQ(result[0].num_heads, 3);
  EXPECT_EQ(result[0].num_rising, 1);
  EXPECT_EQ(result[0].num_falling, 1);
  EXPECT_NEAR(result[0].slope, -0.03, 1e-15);
  EXPECT_EQ(result[0].unit, "per 1000 tokens");
  const std::vector<double> jackknife = {-0.055, -0.045, -0.035, -0.025, -0.015, -0.005};
  const Interval expected =
      document_interval(-0.03, jackknife, 6, ValueScale::kReal, {.kind = ErrorBars::kJackknife});
  EXPECT_NEAR(result[0].interval.low, expected.low, 1e-12);
  EXPECT_NEAR(result[0].interval.high, expected.high, 1e-12);
}

TEST(MeanTrends, UnitsAreNotMixed) {
  MeanTrends trends;
  trends.add(head_of(0.1, BucketRanges::uniform(64)));
  trends.add(head_of(0.3, BucketRanges::log(3)));
  const std::vector<MeanTrend> result = trends.result();
  ASSERT_EQ(result.size(), 2U);
  EXPECT_EQ(result[0].num_heads, 1);
  EXPECT_NE(result[0].unit, result[1].unit);
}

}  // namespace mean_trends_test
}  // namespace qk
