#include "stats/symmetric_eigen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace qk {
namespace symmetric_eigen_test {

// Above the diagonal: numbers that must not be read.
std::vector<double> random_matrix(int64_t dim, int64_t rank, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  const auto d = static_cast<size_t>(dim);
  std::vector<double> out(d * d, 1e300);
  for (size_t i = 0; i < d; ++i)
    std::fill_n(out.begin() + static_cast<ptrdiff_t>(i * d), i + 1, 0.0);
  for (int64_t r = 0; r < rank; ++r) {
    std::vector<double> x(d);
    for (double& value : x) value = normal(engine);
    for (size_t i = 0; i < d; ++i) {
      for (size_t j = 0; j <= i; ++j) out[i * d + j] += x[i] * x[j];
    }
  }
  return out;
}

double at(const std::vector<double>& matrix, size_t d, size_t i, size_t j) {
  return matrix[std::max(i, j) * d + std::min(i, j)];
}

// Every vector solves the equation, all are orthonormal, and the values add up to the trace.
void check(const std::vector<double>& matrix, int64_t dim) {
  const auto d = static_cast<size_t>(dim);
  const SymmetricEigen eigen(matrix, dim);
  const std::vector<double>& values = eigen.values();
  ASSERT_EQ(values.size(), d);
  EXPECT_TRUE(std::is_sorted(values.rbegin(), values.rend()));
  double trace = 0;
  double sum = 0;
  for (size_t i = 0; i < d; ++i) {
    trace += matrix[i * d + i];
    sum += values[i];
  }
  const double largest = std::max(std::abs(values.front()), std::abs(values.back()));
  const double tolerance = 4e-16 * static_cast<double>(dim + 8) * std::max(largest, 1e-300);
  EXPECT_NEAR(sum, trace, tolerance * static_cast<double>(dim));
  std::vector<std::vector<double>> vectors;
  for (int64_t k = 0; k < dim; ++k) {
    vectors.push_back(eigen.vector(k));
    const std::vector<double>& v = vectors.back();
    double furthest = 0;
    for (size_t i = 0; i < d; ++i) {
      double product = 0;
      for (size_t j = 0; j < d; ++j) product += at(matrix, d, i, j) * v[j];
      furthest = std::max(furthest, std::abs(product - values[static_cast<size_t>(k)] * v[i]));
    }
    EXPECT_LE(furthest, tolerance) << dim << " " << k;
    for (size_t other = 0; other < vectors.size(); ++other) {
      double product = 0;
      for (size_t i = 0; i < d; ++i) product += v[i] * vectors[other][i];
      EXPECT_NEAR(product, other + 1 == vectors.size() ? 1 : 0, 1e-13);
    }
    EXPECT_GT(*std::max_element(v.begin(), v.end(),
                                [](double a, double b) { return std::abs(a) < std::abs(b); }),
              0);
  }
}

TEST(SymmetricEigen, SolvesTheEquation) {
  for (const int64_t dim : {1, 2, 3, 5, 16, 33, 128}) check(random_matrix(dim, 2 * dim, 3), dim);
}

TEST(SymmetricEigen, MatricesWithoutFullRankAndEqualValues) {
  check(random_matrix(40, 3, 1), 40);
  check(random_matrix(40, 0, 1), 40);
  std::vector<double> unit(36, 0.0);
  for (size_t i = 0; i < 6; ++i) unit[i * 6 + i] = i < 3 ? 7 : -2;
  check(unit, 6);
  EXPECT_EQ(SymmetricEigen(unit, 6).values(), (std::vector<double>{7, 7, 7, -2, -2, -2}));
}

TEST(SymmetricEigen, AnySize) {
  for (const double scale : {1e-150, 1e-20, 1e100}) {
    std::vector<double> matrix = random_matrix(12, 30, 5);
    for (size_t i = 0; i < 12; ++i) {
      for (size_t j = 0; j <= i; ++j) matrix[i * 12 + j] *= scale;
    }
    check(matrix, 12);
  }
}

TEST(SymmetricEigen, KnownValues) {
  // The second difference of n points: 2 - 2 cos(k pi / (n + 1)).
  constexpr size_t kPoints = 9;
  std::vector<double> matrix(kPoints * kPoints, 0.0);
  for (size_t i = 0; i < kPoints; ++i) {
    matrix[i * kPoints + i] = 2;
    if (i > 0) matrix[i * kPoints + i - 1] = -1;
  }
  const SymmetricEigen eigen(matrix, kPoints);
  for (size_t k = 1; k <= kPoints; ++k) {
    EXPECT_NEAR(eigen.values()[kPoints - k],
                2 - 2 * std::cos(static_cast<double>(k) * std::acos(-1.0) / (kPoints + 1)), 1e-14);
  }
}

}  // namespace symmetric_eigen_test
}  // namespace qk
