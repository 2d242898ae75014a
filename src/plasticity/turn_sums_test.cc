#include "plasticity/turn_sums.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <random>

#include "plasticity/document_buckets.h"
#include "plasticity/rope_pairs.h"

namespace qk {
namespace turn_sums_test {

constexpr double kPi = 3.14159265358979323846;

// Rows at random positions: of every pair a fixed vector that turns, times `turning`, plus noise.
struct TurningHead {
  int64_t rows = 3000;
  int64_t length = 5000;
  int64_t first_position = 0;
  double turning = 1;
  float sign = 1;  // of the second component, as orient() may change it
};
constexpr double kFrequencies[] = {1.0, 0.05, 0.002, 1e-6};

HeadTable turning_head(const TurningHead& shape, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  HeadTable out;
  out.head_dim = 9;  // the last one does not rotate
  for (int64_t row = 0; row < shape.rows; ++row) {
    const int64_t position = shape.first_position + static_cast<int64_t>(engine()) % shape.length;
    out.positions.push_back(position);
    out.buckets.push_back(position / 500);
    out.example_ids.push_back(row % 20);
    std::vector<float> x(9);
    for (size_t i = 0; i < 4; ++i) {
      const std::complex<double> u =
          std::polar(std::sqrt(2.0), kFrequencies[i] * static_cast<double>(position) + 0.7);
      x[i] = static_cast<float>(5 + shape.turning * u.real() + normal(engine));
      x[i + 4] = static_cast<float>(shape.turning * u.imag() + normal(engine)) * shape.sign;
    }
    x[8] = static_cast<float>(normal(engine));
    out.vectors.insert(out.vectors.end(), x.begin(), x.end());
  }
  return out;
}

HeadRope rope() {
  HeadRope out;
  out.rope_set = 1;
  out.unrotated = {8};
  out.is_rotated = true;
  for (int64_t i = 0; i < 4; ++i) {
    out.pairs.push_back({i, i, i + 4, kFrequencies[static_cast<size_t>(i)]});
  }
  return out;
}

// Least squares over complex numbers, in double precision.
double naive_square(const HeadTable& table, const HeadRope::Pair& pair) {
  const auto rows = static_cast<size_t>(table.num_rows());
  double best = 0;
  for (const double direction : {1.0, -1.0}) {
    std::vector<std::complex<double>> u;
    std::vector<std::complex<double>> z;
    for (size_t i = 0; i < rows; ++i) {
      const auto x = table.vector(static_cast<int64_t>(i));
      z.emplace_back(x[static_cast<size_t>(pair.first_component)],
                     x[static_cast<size_t>(pair.second_component)]);
      u.push_back(
          std::polar(1.0, direction * pair.inv_freq * static_cast<double>(table.positions[i])));
    }
    std::complex<double> mean_u;
    for (const auto& value : u) mean_u += value / static_cast<double>(rows);
    std::complex<double> product;
    double square = 0;
    for (size_t i = 0; i < rows; ++i) {
      product += z[i] * std::conj(u[i] - mean_u);
      square += std::norm(u[i] - mean_u);
    }
    best = std::max(best, std::norm(product) / square);
  }
  return best;
}

TEST(TurnSums, AreLeastSquares) {
  for (const int64_t first : {int64_t{0}, int64_t{4'000'000'000}}) {
    for (const float sign : {1.0F, -1.0F}) {
      const HeadTable table = turning_head({.first_position = first, .sign = sign}, 1);
      const QueryFit fit = fit_queries(table, false);
      const HeadRope of = rope();
      const std::vector<double> found = turning_squares(table, fit.mean, of.pairs);
      for (size_t i = 0; i < 3; ++i) {
        const double expected = naive_square(table, of.pairs[i]);
        EXPECT_NEAR(found[i], expected, 2e-4 * expected) << i << ' ' << first;
      }
    }
  }
}

std::vector<RopePairShare> shares_of(const HeadTable& table, const HeadRope& of) {
  const QueryFit fit = fit_queries(table, false);
  const DocumentBuckets spread =
      spread_rows(table, document_numbers(table), fit.centered_positions);
  return rope_pair_shares(table, fit, position_squares(table, fit, spread), of);
}

// Half of the variance turns. Buckets of 500 tokens see it only where a turn is longer.
TEST(RopePairs, ShareOfTheVarianceThatTurns) {
  const std::vector<RopePairShare> found = shares_of(turning_head({}, 2), rope());
  ASSERT_EQ(found.size(), 5U);
  double variance = 0;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(found[i].turn_share, 0.5, 0.03) << i;
    EXPECT_NEAR(found[i].wavelength, 2 * kPi / kFrequencies[i], 1e-9 * found[i].wavelength);
    EXPECT_EQ(found[i].pair, static_cast<int64_t>(i));
    EXPECT_EQ(found[i].second_component, static_cast<int64_t>(i) + 4);
  }
  EXPECT_NEAR(found[0].position_share, 0, 0.01);
  EXPECT_NEAR(found[1].position_share, 0, 0.01);
  // Means over a bucket are shorter by sin(x) / x, x = 0.5.
  const double shrunk = std::pow(std::sin(0.5) / 0.5, 2) * 0.5;
  EXPECT_NEAR(found[2].position_share, shrunk, 0.03);
  EXPECT_NEAR(found[3].position_share, 0, 0.01);  // it hardly turns at all
  for (const RopePairShare& row : found) {
    variance += row.variance_share;
    EXPECT_NEAR(row.position_share, (row.bucket_r2 - row.floor) / (1 - row.floor), 1e-12);
  }
  EXPECT_NEAR(variance, 1, 1e-12);
  EXPECT_FALSE(found[4].pair || found[4].second_component);
  EXPECT_EQ(found[4].first_component, 8);
  EXPECT_TRUE(std::isnan(found[4].wavelength) && std::isnan(found[4].turn_share));
}

TEST(RopePairs, WithoutTurnThereIsNone) {
  for (const RopePairShare& row : shares_of(turning_head({.turning = 0}, 3), rope())) {
    if (!row.pair) continue;
    EXPECT_NEAR(row.turn_share, 0, 0.003);
  }
}

// Vectors before RoPE do not turn, so there is no such share.
TEST(RopePairs, OfVectorsBeforeTheRotationHaveNoTurn) {
  HeadRope before = rope();
  before.is_rotated = false;
  for (const RopePairShare& row : shares_of(turning_head({}, 3), before)) {
    EXPECT_TRUE(std::isnan(row.turn_share));
    EXPECT_FALSE(std::isnan(row.position_share));
  }
}

TEST(RopePairs, LinesAndConstantsOfBothComponents) {
  HeadTable table = turning_head({.turning = 0}, 4);
  for (int64_t row = 0; row < table.num_rows(); ++row) {
    float* x = table.vectors.data() + row * 9;
    x[3] = static_cast<float>(table.positions[static_cast<size_t>(row)]);  // an exact line
    x[7] = 0;
    x[8] = 2;
  }
  const std::vector<RopePairShare> found = shares_of(table, rope());
  EXPECT_NEAR(found[3].line_r2, 1, 1e-9);
  EXPECT_NEAR(found[0].line_r2, 0, 0.005);
  EXPECT_TRUE(std::isnan(found[4].line_r2) && std::isnan(found[4].position_share));
  EXPECT_EQ(found[4].variance_share, 0);
}

}  // namespace turn_sums_test
}  // namespace qk
