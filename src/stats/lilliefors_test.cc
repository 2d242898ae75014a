#include "stats/lilliefors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "stats/ks_test.h"
#include "stats/normal_cdf.h"
#include "stats/test_numbers.h"

namespace qk {
namespace {

// Samples that are normal: p-values must be uniform.
TEST(Lilliefors, PValuesOfNormalSamplesAreUniform) {
  constexpr int kSamples = 2000;
  for (const size_t n : {20U, 60U, 1000U}) {
    VectorStream stream(n);
    KsStatistic statistic;
    double mean_p = 0;
    double mean_distance = 0;
    int below = 0;
    for (int sample = 0; sample < kSamples; ++sample) {
      std::vector<double> x(n);
      double mean = 0;
      double squares = 0;
      for (double& value : x) {
        const double radius = std::sqrt(-2 * std::log(1 - stream.uniform()));
        value = radius * std::cos(6.283185307179586 * stream.uniform());
        mean += value / static_cast<double>(n);
      }
      for (double& value : x) {
        value -= mean;
        squares += value * value;
      }
      normal_cdf(x, 1 / std::sqrt(squares / static_cast<double>(n - 1)), x);
      const double distance = statistic(x);
      const double p = lilliefors_p_value(static_cast<int64_t>(n), distance);
      mean_distance += distance / kSamples;
      mean_p += p / kSamples;
      below += p < 0.05 ? 1 : 0;
    }
    EXPECT_NEAR(mean_p, 0.5, 0.03) << n;           // 4.6 standard errors
    EXPECT_NEAR(below, kSamples * 0.05, 45) << n;  // 4.6 standard errors
    const double expected = lilliefors_mean_distance(static_cast<int64_t>(n));
    EXPECT_NEAR(mean_distance / expected, 1, 0.026) << n;  // 4.5 standard errors
  }
}

TEST(Lilliefors, FallsWithTheDistance) {
  double last = 1;
  for (double d = 0.001; d < 0.5; d += 0.001) {
    const double p = lilliefors_p_value(500, d);
    EXPECT_LE(p, last);
    EXPECT_GE(p, 0);
    last = p;
  }
  EXPECT_LT(last, 1e-30);
}

// The tail continues the table: its last knot is 1.26, where 400 numbers have 0.000688.
TEST(Lilliefors, TailBeyondTheTable) {
  const double scale = 20 - 0.01 + 0.85 / 20;
  EXPECT_NEAR(lilliefors_p_value(400, 1.2599999 / scale), 0.000688, 1e-8);
  EXPECT_NEAR(lilliefors_p_value(400, 1.2600001 / scale), 0.000688, 1e-8);
  EXPECT_NEAR(lilliefors_p_value(400, 1.5 / scale),
              0.000688 * std::exp(-5.6 * (1.5 * 1.5 - 1.26 * 1.26)), 1e-12);
}

}  // namespace
}  // namespace qk
