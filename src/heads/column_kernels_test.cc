// Every kernel against the plain sums; the dimensions exercise different tails of the SIMD loops.
#include "heads/column_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace qk {
namespace column_kernels_test {

std::vector<double> normal_numbers(int64_t count, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> out(static_cast<size_t>(count));
  for (double& x : out) x = normal(engine);
  return out;
}

class ColumnKernels : public testing::TestWithParam<int64_t> {
 protected:
  static constexpr int64_t kRows = 37;

  ColumnKernels() {
    table_.head_dim = dim_;
    table_.positions.resize(kRows);
    table_.buckets.resize(kRows);
    for (const double x : normal_numbers(kRows * dim_, 1)) {
      table_.vectors.push_back(static_cast<float>(x));
    }
  }
  double x(int64_t row, int64_t j) const {
    return static_cast<double>(table_.vector(row)[static_cast<size_t>(j)]);
  }

  int64_t dim_ = GetParam();
  HeadTable table_;
};

TEST_P(ColumnKernels, SumColumns) {
  const std::vector<double> weights = normal_numbers(kRows, 2);
  const std::vector<double> origin = normal_numbers(dim_, 3);
  std::vector<double> sums(static_cast<size_t>(dim_), 9.0);
  std::vector<double> weighted(static_cast<size_t>(dim_), 9.0);
  sum_columns(table_, weights, origin, sums, weighted);
  for (int64_t j = 0; j < dim_; ++j) {
    double sum = 0;
    double weighted_sum = 0;
    for (int64_t i = 0; i < kRows; ++i) {
      sum += x(i, j) - origin[j];
      weighted_sum += weights[i] * (x(i, j) - origin[j]);
    }
    EXPECT_NEAR(sums[j], sum, 1e-12);
    EXPECT_NEAR(weighted[j], weighted_sum, 1e-12);
  }
}

TEST_P(ColumnKernels, ProjectRows) {
  const std::vector<double> mean = normal_numbers(dim_, 4);
  const std::vector<double> a = normal_numbers(dim_, 5);
  const std::vector<double> b = normal_numbers(dim_, 6);
  std::vector<double> first(kRows, 9.0);
  std::vector<double> second(kRows, 9.0);
  std::vector<double> squares(static_cast<size_t>(dim_), 9.0);
  project_rows(table_, mean, a, b, {first, second, squares});
  for (int64_t i = 0; i < kRows; ++i) {
    double along_a = 0;
    double along_b = 0;
    for (int64_t j = 0; j < dim_; ++j) {
      along_a += (x(i, j) - mean[j]) * a[j];
      along_b += (x(i, j) - mean[j]) * b[j];
    }
    EXPECT_NEAR(first[i], along_a, 1e-12);
    EXPECT_NEAR(second[i], along_b, 1e-12);
  }
  for (int64_t j = 0; j < dim_; ++j) {
    double sum = 0;
    for (int64_t i = 0; i < kRows; ++i) sum += (x(i, j) - mean[j]) * (x(i, j) - mean[j]);
    EXPECT_NEAR(squares[j], sum, 1e-12);
  }
}

TEST_P(ColumnKernels, GatherColumns) {
  const std::vector<double> mean = normal_numbers(dim_, 7);
  const std::vector<double> along = normal_numbers(kRows, 8);
  const std::vector<double> reflection = normal_numbers(dim_, 9);
  for (int64_t begin = 0; begin < dim_; begin += kColumnBlock) {
    const int64_t count = std::min(kColumnBlock, dim_ - begin);
    std::vector<double> out(static_cast<size_t>(count * kRows));
    gather_columns(table_, mean, along, reflection, begin, count, out);
    for (int64_t c = 0; c < count; ++c) {
      const int64_t j = begin + c;
      for (int64_t i = 0; i < kRows; ++i) {
        EXPECT_NEAR(out[c * kRows + i], x(i, j) - mean[j] - along[i] * reflection[j], 1e-14);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dims, ColumnKernels, testing::Values(1, 3, 8, 16, 17, 33));

TEST(SumColumn, HasPowersAndResiduals) {
  for (const int64_t rows : {1, 2, 7, 64, 65}) {
    const std::vector<double> column = normal_numbers(rows, 10);
    const std::vector<double> weights = normal_numbers(rows, 11);
    const ColumnSums found = sum_column(column, weights, 0.7);
    double powers[4] = {};
    double residual_sum = 0;
    double residual_squares = 0;
    for (int64_t i = 0; i < rows; ++i) {
      for (int k = 0; k < 4; ++k) powers[k] += std::pow(column[i], k + 1);
      const double residual = column[i] - 0.7 * weights[i];
      residual_sum += residual;
      residual_squares += residual * residual;
    }
    for (int k = 0; k < 4; ++k) EXPECT_NEAR(found.powers[k], powers[k], 1e-11);
    EXPECT_NEAR(found.residual_sum, residual_sum, 1e-12);
    EXPECT_NEAR(found.residual_squares, residual_squares, 1e-12);
  }
}

}  // namespace column_kernels_test
}  // namespace qk
