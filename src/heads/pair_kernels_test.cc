#include "heads/pair_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "heads/gathered_rows.h"

namespace qk {
namespace pair_kernels_test {

std::vector<double> normal_numbers(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> out(static_cast<size_t>(count));
  for (double& x : out) x = normal(engine);
  return out;
}

HeadTable keys_of(int64_t rows, int64_t dim) {
  HeadTable out;
  out.head_dim = dim;
  out.positions.resize(static_cast<size_t>(rows));
  for (const double x : normal_numbers(rows * dim, 1)) out.vectors.push_back(static_cast<float>(x));
  return out;
}

// The dimensions exercise different tails of the SIMD loops.
class PairKernels : public testing::TestWithParam<int64_t> {
 protected:
  int64_t dim_ = GetParam();
};

TEST_P(PairKernels, SubtractKeys) {
  const HeadTable keys = keys_of(5, dim_);
  const std::vector<KeyPair> pairs = {{4, 0}, {1, 1}, {2, 3}};
  std::vector<double> rows(static_cast<size_t>(3 * dim_));
  subtract_keys(keys, pairs, rows);
  const VectorBlocks blocks = difference_blocks(keys, pairs);
  EXPECT_EQ(blocks.count, 3);
  for (size_t n = 0; n < pairs.size(); ++n) {
    for (int64_t j = 0; j < dim_; ++j) {
      const auto component = static_cast<size_t>(j);
      const double expected = static_cast<double>(keys.vector(pairs[n].first)[component]) -
                              static_cast<double>(keys.vector(pairs[n].second)[component]);
      EXPECT_EQ(rows[n * static_cast<size_t>(dim_) + component], expected);
      EXPECT_EQ(blocks.at(static_cast<int64_t>(n), j), expected);
    }
  }
}

TEST_P(PairKernels, ProjectDiagonal) {
  constexpr int64_t kPairs = 7;
  const std::vector<double> w = normal_numbers(kPairs * dim_, 2);
  const std::vector<double> mean = normal_numbers(dim_, 3);
  const std::vector<double> v = normal_numbers(dim_, 4);
  const std::vector<double> variance = normal_numbers(dim_, 5);
  std::vector<double> means(kPairs);
  std::vector<double> variances(kPairs);
  project_diagonal(w, mean, v, variance, means, variances);
  for (int64_t n = 0; n < kPairs; ++n) {
    double score = 0;
    double along = 0;
    for (int64_t j = 0; j < dim_; ++j) {
      score += mean[j] * w[n * dim_ + j];
      along += v[j] * w[n * dim_ + j];
    }
    double square = 0;
    for (int64_t j = 0; j < dim_; ++j) {
      const double reflected = w[n * dim_ + j] - 2 * along * v[j];
      square += variance[j] * reflected * reflected;
    }
    EXPECT_NEAR(means[n], score, 1e-12);
    EXPECT_NEAR(variances[n], square, 1e-9 * (1 + std::abs(square)));
  }
}

INSTANTIATE_TEST_SUITE_P(Dims, PairKernels, testing::Values(1, 3, 8, 16, 17, 33));

TEST(GatheredRows, AreRowsMinusAnOrigin) {
  const HeadTable table = keys_of(4, 3);
  const std::vector<int64_t> rows = {3, 1, 3};
  const std::vector<double> origin = {1, 2, 3};
  const GatheredRows plain(table, rows);
  const GatheredRows moved(table, rows, origin);
  for (int64_t r = 0; r < 3; ++r) {
    for (size_t j = 0; j < 3; ++j) {
      const auto x = static_cast<double>(table.vector(rows[static_cast<size_t>(r)])[j]);
      EXPECT_EQ(plain.view()[r].data()[j], x);
      EXPECT_EQ(moved.view()[r].data()[j], x - origin[j]);
    }
  }
}

}  // namespace pair_kernels_test
}  // namespace qk
