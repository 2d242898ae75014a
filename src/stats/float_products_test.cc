#include "stats/float_products.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace qk {
namespace float_products_test {

std::vector<float> random_floats(size_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(count);
  for (float& x : out) x = normal(engine);
  return out;
}

double product(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t j = 0; j < a.size(); ++j) sum += static_cast<double>(a[j]) * b[j];
  return sum;
}

// Every number of rows up to more than a tile, and vectors that do not fill their last block.
TEST(PreferenceCounts, EqualTheNaiveCounts) {
  constexpr int64_t kVectors = 45;
  for (const int64_t depth : {1, 7, 64}) {
    const auto d = static_cast<size_t>(depth);
    const std::vector<float> vectors = random_floats(kVectors * d, 1);
    const FloatBlocks blocks(vectors, depth);
    ASSERT_EQ(blocks.count(), kVectors);
    ASSERT_EQ(blocks.blocks(), 2);
    for (const int64_t num_rows : {0, 1, 2, 3, 5, 11, 12, 13, 40}) {
      const std::vector<float> rows = random_floats(static_cast<size_t>(num_rows) * d, 2);
      for (int64_t n = 0; n < kVectors; ++n) {
        std::array<float, kFloatBlockWidth> positive{};
        std::array<float, kFloatBlockWidth> zero{};
        count_preferences(rows.data(), num_rows, depth, blocks.block(n / kFloatBlockWidth),
                          positive.data(), zero.data());
        float expected = 0;
        for (int64_t r = 0; r < num_rows; ++r) {
          const auto row = std::span(rows).subspan(static_cast<size_t>(r) * d, d);
          const auto vector = std::span(vectors).subspan(static_cast<size_t>(n) * d, d);
          expected += product(row, vector) > 0 ? 1.0F : 0.0F;
        }
        const auto lane = static_cast<size_t>(n % kFloatBlockWidth);
        EXPECT_EQ(positive[lane], expected) << depth << " " << num_rows << " " << n;
        EXPECT_EQ(zero[lane], 0.0F);
      }
    }
  }
}

TEST(PreferenceCounts, ZeroProductsAreCountedApart) {
  const std::vector<float> vectors = {1, 0, 0, 1, -1, 0};
  const std::vector<float> rows = {2, 0, 0, 3, -1, 0};
  const FloatBlocks blocks(vectors, 2);
  std::array<float, kFloatBlockWidth> positive{};
  std::array<float, kFloatBlockWidth> zero{};
  positive[0] = 10;  // counts are added to
  count_preferences(rows.data(), 3, 2, blocks.block(0), positive.data(), zero.data());
  EXPECT_EQ(positive[0], 11);
  EXPECT_EQ(zero[0], 1);
  EXPECT_EQ(positive[1], 1);
  EXPECT_EQ(zero[1], 2);
  EXPECT_EQ(positive[2], 1);
  EXPECT_EQ(zero[2], 1);
}

TEST(FloatProducts, EqualTheNaiveProducts) {
  constexpr int64_t kDepth = 9;
  const std::vector<float> vectors = random_floats(kFloatBlockWidth * kDepth, 1);
  const FloatBlocks blocks(vectors, kDepth);
  for (const int64_t num_rows : {1, 6, 12, 31}) {
    const std::vector<float> rows = random_floats(static_cast<size_t>(num_rows * kDepth), 2);
    std::vector<float> out(static_cast<size_t>(num_rows * kFloatBlockWidth));
    multiply_float_block(rows.data(), num_rows, kDepth, blocks.block(0), out.data());
    for (size_t i = 0; i < out.size(); ++i) {
      const size_t row = i / kFloatBlockWidth;
      const size_t lane = i % kFloatBlockWidth;
      EXPECT_NEAR(out[i],
                  product(std::span(rows).subspan(row * kDepth, kDepth),
                          std::span(vectors).subspan(lane * kDepth, kDepth)),
                  1e-5);
    }
  }
}

TEST(ScorePowers, EqualTheNaiveSums) {
  constexpr int64_t kVectors = 45;
  for (const int64_t depth : {1, 7, 64}) {
    const auto d = static_cast<size_t>(depth);
    const std::vector<float> vectors = random_floats(kVectors * d, 1);
    const FloatBlocks blocks(vectors, depth);
    for (const int64_t num_rows : {0, 1, 2, 3, 5, 11, 12, 13, 40}) {
      const std::vector<float> rows = random_floats(static_cast<size_t>(num_rows) * d, 2);
      std::vector<double> weights;
      for (int64_t r = 0; r < num_rows; ++r) weights.push_back(1 + 0.25 * static_cast<double>(r));
      for (int64_t b = 0; b < blocks.blocks(); ++b) {
        std::array<double, kFloatBlockWidth> sums{};
        std::array<double, kFloatBlockWidth> squares{};
        sums[0] = squares[0] = 100;  // both are added to
        add_score_powers(rows.data(), weights, depth, blocks.block(b), sums.data(), squares.data());
        const int64_t lanes = std::min(kFloatBlockWidth, kVectors - b * kFloatBlockWidth);
        for (int64_t lane = 0; lane < lanes; ++lane) {
          double sum = lane == 0 ? 100 : 0;
          double square = sum;
          const int64_t n = b * kFloatBlockWidth + lane;
          for (int64_t r = 0; r < num_rows; ++r) {
            const double s = product(std::span(rows).subspan(static_cast<size_t>(r) * d, d),
                                     std::span(vectors).subspan(static_cast<size_t>(n) * d, d));
            sum += weights[static_cast<size_t>(r)] * s;
            square += weights[static_cast<size_t>(r)] * s * s;
          }
          EXPECT_NEAR(sums[static_cast<size_t>(lane)], sum, 1e-3) << depth << " " << num_rows;
          EXPECT_NEAR(squares[static_cast<size_t>(lane)], square, 1e-5 * square + 1e-6);
        }
      }
    }
  }
}

}  // namespace float_products_test
}  // namespace qk
