#include "plasticity/score_moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "plasticity/pair_plasticity.h"

namespace qk {
namespace score_moments_test {

std::vector<double> normal_numbers(size_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> out(count);
  for (double& x : out) x = normal(engine);
  return out;
}

// The dimensions exercise different tails of the SIMD loops.
class ScoreMomentsOfDim : public testing::TestWithParam<int64_t> {};

TEST_P(ScoreMomentsOfDim, AreThePlainSums) {
  const int64_t d = GetParam();
  const int64_t rows = 37;
  const std::vector<double> x = normal_numbers(static_cast<size_t>(rows * d), 1);
  const std::vector<double> weights = [&] {
    std::vector<double> w = normal_numbers(static_cast<size_t>(rows), 2);
    for (double& value : w) value = std::abs(value);
    return w;
  }();
  MomentSums sums({x.data(), static_cast<size_t>(d)});
  sums.add({x.data(), {rows, d}}, weights);
  const std::vector<double> mean = sums.mean();
  const std::vector<double> scatter = sums.scatter();
  double total = 0;
  for (double w : weights) total += w;
  EXPECT_NEAR(sums.weight(), total, 1e-12);
  for (int64_t i = 0; i < d; ++i) {
    double expected = 0;
    for (int64_t r = 0; r < rows; ++r) expected += weights[r] * x[r * d + i] / total;
    EXPECT_NEAR(mean[i], expected, 1e-12);
  }
  for (int64_t i = 0; i < d; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double expected = 0;
      for (int64_t r = 0; r < rows; ++r) {
        expected += weights[r] * (x[r * d + i] - mean[i]) * (x[r * d + j] - mean[j]);
      }
      EXPECT_NEAR(scatter[i * d + j], expected, 1e-11) << i << " " << j;
    }
  }
  VectorBlocks w(19, d);
  const std::vector<double> values = normal_numbers(static_cast<size_t>(19 * d), 3);
  for (int64_t n = 0; n < 19; ++n) {
    for (int64_t j = 0; j < d; ++j) w.at(n, j) = values[n * d + j];
  }
  const ScoreMoments scores = score_moments({mean, scatter}, w);
  for (int64_t n = 0; n < 19; ++n) {
    double m = 0;
    double v = 0;
    for (int64_t i = 0; i < d; ++i) {
      m += mean[i] * values[n * d + i];
      for (int64_t j = 0; j < d; ++j) {
        const double s = j <= i ? scatter[i * d + j] : scatter[j * d + i];
        v += values[n * d + i] * s * values[n * d + j];
      }
    }
    EXPECT_NEAR(scores.mean[n], m, 1e-11 * d);
    EXPECT_NEAR(scores.variance[n], v, 1e-10 * d * d);
  }
}

INSTANTIATE_TEST_SUITE_P(Dims, ScoreMomentsOfDim, testing::Values(1, 2, 3, 8, 15, 16, 17, 33, 128));

TEST(ScoreMoments, RoundingIsNoVariance) {
  // Two queries in three dimensions: every w orthogonal to their difference has no variance.
  const std::vector<double> x = {0.1, 0.7, -0.3, 0.2, -0.4, 1.1};
  MomentSums sums({x.data(), 3});
  sums.add({x.data(), {2, 3}});
  VectorBlocks w(1, 3);
  w.at(0, 0) = 1.1;  // (0.1, -1.1, 1.4) x (any) is orthogonal
  w.at(0, 1) = 0.1;
  w.at(0, 2) = 0;
  const GaussianLaw law{sums.mean(), sums.scatter()};
  const ScoreMoments scores = score_moments(law, w);
  EXPECT_EQ(scores.variance[0], 0);
  EXPECT_EQ(pair_plasticity(scores.mean[0], scores.variance[0]), 0);
}

TEST(PairPlasticity, LimitsAndSymmetry) {
  EXPECT_EQ(pair_plasticity(0, 1), 1);
  EXPECT_EQ(pair_plasticity(0, 0), 1);
  EXPECT_EQ(pair_plasticity(1e-300, 0), 0);
  EXPECT_EQ(pair_plasticity(-2, 0), 0);
  EXPECT_EQ(pair_plasticity(-2, 3), pair_plasticity(2, 3));
  EXPECT_NEAR(pair_plasticity(1, 1), 4 * 0.8413447460685429 * 0.15865525393145707, 1e-15);
  EXPECT_GT(pair_plasticity(20, 1), 0);  // the small tail keeps its digits
  EXPECT_TRUE(std::isnan(pair_plasticity(NAN, 1)));
  EXPECT_TRUE(std::isnan(pair_plasticity(0, NAN)));
}

// A score that never varies is decided by its mean, which is 0 if it can only be rounding.
TEST(ScoreMoments, RoundingIsNoMeanOfAFixedScore) {
  const GaussianLaw law{{0.1, 0.2, 0.3}, std::vector<double>(9)};
  VectorBlocks w(2, 3);
  w.at(0, 0) = 1;  // 0.1 + 0.2 - 0.3 is not 0 in float64
  w.at(0, 1) = 1;
  w.at(0, 2) = -1;
  w.at(1, 0) = 1e-3;
  std::vector<double> means(2);
  inner_products(law.mean, w, means);
  ASSERT_NE(means[0], 0);
  const ScoreMoments scores = score_moments(law, w);
  EXPECT_EQ(scores.variance, (std::vector<double>{0, 0}));
  EXPECT_EQ(scores.mean, (std::vector<double>{0, 1e-4}));
  GaussianLaw varying = law;
  varying.covariance[0] = 1;  // the score of w varies, so its mean stays as it is
  EXPECT_EQ(score_moments(varying, w).mean[0], means[0]);
}

}  // namespace score_moments_test
}  // namespace qk
