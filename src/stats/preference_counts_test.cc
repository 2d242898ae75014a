#include "stats/preference_counts.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace qk {
namespace preference_counts_test {

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

}  // namespace preference_counts_test
}  // namespace qk
