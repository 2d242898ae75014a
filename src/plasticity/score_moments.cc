#include "plasticity/score_moments.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace qk {
namespace {

constexpr double kRounding = 1e-13;
constexpr int64_t kMomentRowsAtOnce = 16;

// The lower half with its off-diagonal numbers doubled: w' T w with T triangular.
std::vector<double> doubled_triangle(std::span<const double> matrix, size_t d) {
  std::vector<double> out(d * d);
  for (size_t i = 0; i < d; ++i) {
    for (size_t j = 0; j < i; ++j) out[i * d + j] = 2 * matrix[i * d + j];
    out[i * d + i] = matrix[i * d + i];
  }
  return out;
}

void put(const double (&lanes)[kBlockWidth], int64_t block, std::span<double> out) {
  const auto begin = static_cast<size_t>(block * kBlockWidth);
  const size_t count = std::min(static_cast<size_t>(kBlockWidth), out.size() - begin);
  std::copy_n(lanes, count, out.begin() + static_cast<ptrdiff_t>(begin));
}

}  // namespace

void quadratic_forms(std::span<const double> matrix, const VectorBlocks& vectors,
                     std::span<double> out) {
  const int64_t d = vectors.depth;
  QK_CHECK(static_cast<int64_t>(matrix.size()) == d * d &&
           static_cast<int64_t>(out.size()) == vectors.count);
  const std::vector<double> triangle = doubled_triangle(matrix, static_cast<size_t>(d));
  double products[kMomentRowsAtOnce * kBlockWidth];
  for (int64_t b = 0; b < vectors.blocks(); ++b) {
    const double* block = vectors.block(b);
    double sums[kBlockWidth] = {};
    for (int64_t i = 0; i < d; i += kMomentRowsAtOnce) {
      const int64_t rows = std::min(kMomentRowsAtOnce, d - i);
      multiply_block(triangle.data() + i * d, d, rows, i + rows, block, products);
      for (int64_t k = 0; k < rows * kBlockWidth; ++k) {
        sums[k % kBlockWidth] += products[k] * block[i * kBlockWidth + k];
      }
    }
    put(sums, b, out);
  }
}

void inner_products(std::span<const double> direction, const VectorBlocks& vectors,
                    std::span<double> out) {
  const int64_t d = vectors.depth;
  QK_CHECK(static_cast<int64_t>(direction.size()) == d &&
           static_cast<int64_t>(out.size()) == vectors.count);
  for (int64_t b = 0; b < vectors.blocks(); ++b) {
    double sums[kBlockWidth];
    multiply_block(direction.data(), d, 1, d, vectors.block(b), sums);
    put(sums, b, out);
  }
}

ScoreMoments score_moments(const GaussianLaw& law, const VectorBlocks& differences) {
  const auto d = static_cast<size_t>(differences.depth);
  const auto count = static_cast<size_t>(differences.count);
  ScoreMoments out{std::vector<double>(count), std::vector<double>(count)};
  inner_products(law.mean, differences, out.mean);
  quadratic_forms(law.covariance, differences, out.variance);
  double largest = 0;
  double mean_square = 0;
  for (size_t j = 0; j < d; ++j) {
    largest = std::max(largest, law.covariance[j * d + j]);
    mean_square += law.mean[j] * law.mean[j];
  }
  for (size_t n = 0; n < count; ++n) {
    double square = 0;
    for (int64_t j = 0; j < differences.depth; ++j) {
      const double w = differences.at(static_cast<int64_t>(n), j);
      square += w * w;
    }
    if (!(out.variance[n] <= kRounding * square * largest)) continue;
    out.variance[n] = 0;
    if (std::abs(out.mean[n]) <= kRounding * std::sqrt(square * mean_square)) out.mean[n] = 0;
  }
  return out;
}

bool equal_keys(const VectorBlocks& differences, int64_t vector) {
  for (int64_t j = 0; j < differences.depth; ++j) {
    if (differences.at(vector, j) != 0) return false;
  }
  return true;
}

}  // namespace qk
