#include "stats/bootstrap_interval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "stats/normal_cdf.h"

namespace qk {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(BootstrapInterval, Percentiles) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  values.push_back(kNaN);
  const Interval interval = bootstrap_interval(60, values, {.confidence = 0.9});
  EXPECT_DOUBLE_EQ(interval.low, 5);
  EXPECT_DOUBLE_EQ(interval.high, 95);
  EXPECT_DOUBLE_EQ(interval.bias, -10);
  EXPECT_NEAR(interval.std_error, std::sqrt(101 * 102 / 12.0), 1e-12);
  EXPECT_EQ(interval.replicates, 101);
}

TEST(BootstrapInterval, BiasCorrectionMovesAgainstTheBias) {
  // Replicates around 48 for an estimate of 50: the truth is nearer 52.
  std::vector<double> values;
  for (int i = 1; i < 1000; ++i) values.push_back(48 + normal_quantile(i / 1000.0));
  const Interval interval =
      bootstrap_interval(50, values, {.confidence = 0.9, .interval = IntervalKind::kBiasCorrected});
  // Phi(2 * 2 - 1.645) and Phi(4 + 1.645): beyond the middle by 2 * 2 -+ 1.645 deviations.
  EXPECT_NEAR(interval.low, 48 + 4 - 1.645, 0.02);
  EXPECT_GT(interval.high, 48 + 3);
  const Interval plain = bootstrap_interval(48, values, {.confidence = 0.9});
  const Interval same =
      bootstrap_interval(48, values, {.confidence = 0.9, .interval = IntervalKind::kBiasCorrected});
  EXPECT_NEAR(plain.low, same.low, 1e-9);
  EXPECT_NEAR(plain.high, same.high, 1e-9);
}

TEST(BootstrapInterval, NothingToSay) {
  EXPECT_TRUE(std::isnan(bootstrap_interval(kNaN, std::vector<double>{1, 2, 3}, {}).low));
  EXPECT_TRUE(std::isnan(bootstrap_interval(1, std::vector<double>{1, kNaN}, {}).low));
  EXPECT_EQ(bootstrap_interval(1, std::vector<double>{1, kNaN}, {}).replicates, 1);
}

TEST(NormalQuantile, InvertsTheDistributionFunction) {
  for (const double p : {1e-6, 0.025, 0.5, 0.975})
    EXPECT_NEAR(normal_cdf(normal_quantile(p)), p, 1e-14);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-12);
}

// No replicate, or every one, is below the estimate: as if half a replicate were.
TEST(BootstrapInterval, BiasCorrectionOfAnEstimateOutsideAllReplicates) {
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7, 8, 9};  // quantile p: 1 + 8 p
  const BootstrapOptions options{.confidence = 0.5, .interval = IntervalKind::kBiasCorrected};
  const double z0 = normal_quantile(0.5 / 9);
  const double z = normal_quantile(0.75);
  const Interval below = bootstrap_interval(0, values, options);
  EXPECT_NEAR(below.low, 1 + 8 * normal_cdf(2 * z0 - z), 1e-12);
  EXPECT_NEAR(below.high, 1 + 8 * normal_cdf(2 * z0 + z), 1e-12);
  const Interval above = bootstrap_interval(10, values, options);
  EXPECT_NEAR(above.low, 1 + 8 * normal_cdf(-2 * z0 - z), 1e-12);
  EXPECT_NEAR(above.high, 1 + 8 * normal_cdf(-2 * z0 + z), 1e-12);
}

TEST(BootstrapInterval, ReplicatesEqualToTheEstimateCountHalf) {
  const std::vector<double> values = {1, 2, 3, 3, 4, 5, 6, 7, 8, 9};  // 2 below, 2 equal
  const BootstrapOptions options{.confidence = 0.1, .interval = IntervalKind::kBiasCorrected};
  const double place = 9 * normal_cdf(2 * normal_quantile(0.3) + normal_quantile(0.55));
  ASSERT_LT(place, 2);  // between the first three
  EXPECT_NEAR(bootstrap_interval(3, values, options).high, 1 + place, 1e-12);
}

}  // namespace
}  // namespace qk
