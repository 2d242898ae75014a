#include "stats/dense_products.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace qk {
namespace {

std::vector<double> normal_numbers(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> out(static_cast<size_t>(count));
  for (double& x : out) x = normal(engine);
  return out;
}

TEST(VectorBlocks, LieSideBySideInBlocks) {
  VectorBlocks vectors(kBlockWidth + 1, 3);
  EXPECT_EQ(vectors.blocks(), 2);
  vectors.at(kBlockWidth, 2) = 7;
  EXPECT_EQ(vectors.block(1)[2 * kBlockWidth], 7);
  EXPECT_EQ(VectorBlocks(kBlockWidth, 3).blocks(), 1);
}

// The numbers of rows exercise different tails of the SIMD loops.
TEST(DenseProducts, MultiplyBlock) {
  for (const int64_t depth : {1, 2, 7, 33}) {
    const std::vector<double> block = normal_numbers(depth * kBlockWidth, 1);
    for (const int64_t rows : {1, 3, 4, 5, 8, 9, 12, 21}) {
      const int64_t stride = depth + 2;
      const std::vector<double> a = normal_numbers(rows * stride, 2);
      std::vector<double> out(static_cast<size_t>(rows * kBlockWidth), 5.0);
      multiply_block(a.data(), stride, rows, depth, block.data(), out.data());
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t lane = 0; lane < kBlockWidth; ++lane) {
          double sum = 0;
          for (int64_t k = 0; k < depth; ++k) {
            sum += a[r * stride + k] * block[k * kBlockWidth + lane];
          }
          EXPECT_NEAR(out[r * kBlockWidth + lane], sum, 1e-13) << depth << " " << rows;
        }
      }
    }
  }
}

TEST(DenseProducts, AddWeightedPowers) {
  for (const int64_t rows : {0, 1, 5}) {
    const std::vector<double> x = normal_numbers(rows * kBlockWidth, 3);
    const std::vector<double> weights = normal_numbers(rows, 4);
    std::vector<double> sums(kBlockWidth, 2.0);
    std::vector<double> squares(kBlockWidth, 3.0);
    add_weighted_powers(x.data(), weights, sums.data(), squares.data());
    for (int64_t lane = 0; lane < kBlockWidth; ++lane) {
      double sum = 2;
      double square = 3;
      for (int64_t r = 0; r < rows; ++r) {
        const double value = x[r * kBlockWidth + lane];
        sum += weights[r] * value;
        square += weights[r] * value * value;
      }
      EXPECT_NEAR(sums[lane], sum, 1e-14);
      EXPECT_NEAR(squares[lane], square, 1e-13);
    }
  }
}

TEST(DenseProducts, AddOuterProductsBelowTheDiagonal) {
  for (const int64_t dim : {1, 2, 3, 16, 17}) {
    for (const int64_t rows : {1, 3, 4, 9}) {
      const std::vector<double> x = normal_numbers(rows * dim, 5);
      const std::vector<double> weights = normal_numbers(rows, 6);
      std::vector<double> products(static_cast<size_t>(dim * dim), 0.5);
      add_outer_products({x.data(), {rows, dim}}, weights, products);
      for (int64_t i = 0; i < dim; ++i) {
        for (int64_t j = 0; j < dim; ++j) {
          double sum = 0.5;
          for (int64_t r = 0; j <= i && r < rows; ++r) {
            sum += weights[r] * x[r * dim + i] * x[r * dim + j];
          }
          EXPECT_NEAR(products[i * dim + j], sum, 1e-13) << dim << " " << rows;
        }
      }
    }
  }
}

}  // namespace
}  // namespace qk
