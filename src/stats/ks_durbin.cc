// Durbin's matrix as Marsaglia, Tsang and Wang evaluate it.
#include <cmath>
#include <utility>
#include <vector>

#include "stats/ks_distribution.h"

namespace qk {
namespace {

constexpr int kDurbinScaleBits = 128;
const double kLarge = std::ldexp(1.0, kDurbinScaleBits);
const double kSmall = std::ldexp(1.0, -kDurbinScaleBits);

// A square matrix times 2^exponent.
struct Matrix {
  size_t size = 0;
  std::vector<double> cells;
  int64_t exponent = 0;

  double& at(size_t row, size_t column) { return cells[row * size + column]; }
  double at(size_t row, size_t column) const { return cells[row * size + column]; }

  // Keeps the middle cell, which is the one that is wanted, in range.
  void rescale() {
    if (std::abs(at(size / 2, size / 2)) <= kLarge) return;
    for (double& cell : cells) cell *= kSmall;
    exponent += kDurbinScaleBits;
  }
};

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix out{a.size, std::vector<double>(a.cells.size(), 0.0), a.exponent + b.exponent};
  for (size_t i = 0; i < a.size; ++i) {
    for (size_t k = 0; k < a.size; ++k) {
      const double factor = a.at(i, k);
      if (factor == 0) continue;
      for (size_t j = 0; j < a.size; ++j) out.at(i, j) += factor * b.at(k, j);
    }
  }
  out.rescale();
  return out;
}

// k = ceil(n d), h = k - n d, 2k - 1 rows.
Matrix durbin_matrix(size_t k, double h) {
  const size_t m = 2 * k - 1;
  Matrix out{m, std::vector<double>(m * m, 0.0), 0};
  std::vector<double> inverse_factorial(m + 1, 1.0);
  for (size_t i = 1; i <= m; ++i) {
    inverse_factorial[i] = inverse_factorial[i - 1] / static_cast<double>(i);
  }
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j <= i + 1 && j < m; ++j) out.at(i, j) = inverse_factorial[i + 1 - j];
  }
  std::vector<double> border(m);
  double power = 1;
  for (size_t i = 0; i < m; ++i) {
    power *= h;
    border[i] = (1 - power) * inverse_factorial[i + 1];
  }
  const double excess = 2 * h > 1 ? std::pow(2 * h - 1, static_cast<double>(m)) : 0;
  border[m - 1] = (1 - 2 * power + excess) * inverse_factorial[m];
  for (size_t i = 0; i < m; ++i) out.at(i, 0) = border[i];
  for (size_t j = 0; j < m; ++j) out.at(m - 1, j) = border[m - 1 - j];
  return out;
}

}  // namespace

double ks_cdf_durbin(int64_t n, double d) {
  const double t = static_cast<double>(n) * d;
  const double k = std::ceil(t);
  Matrix square = durbin_matrix(static_cast<size_t>(k), k - t);
  Matrix power{square.size, std::vector<double>(square.cells.size(), 0.0), 0};
  for (size_t i = 0; i < power.size; ++i) power.at(i, i) = 1;
  for (int64_t rest = n; rest > 0;) {
    if (rest % 2 == 1) power = product(power, square);
    rest /= 2;
    if (rest > 0) square = product(square, square);
  }
  double cdf = power.at(power.size / 2, power.size / 2);
  int64_t exponent = power.exponent;
  for (int64_t i = 1; i <= n; ++i) {  // times n! / n^n
    cdf = cdf * static_cast<double>(i) / static_cast<double>(n);
    if (cdf < kSmall) {
      cdf *= kLarge;
      exponent -= kDurbinScaleBits;
    }
  }
  return std::ldexp(cdf, static_cast<int>(exponent));
}

}  // namespace qk
