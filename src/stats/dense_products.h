// The two dense sums in which the methods spend their time, in double precision, for one thread.
// SIMD is chosen at run time; results differ between machines in the last bits only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/tensor.h"

namespace qk {

// Vectors are stored in blocks of this many: component by component, with the vectors side by side.
inline constexpr int64_t kBlockWidth = 16;

// [columns][depth][kBlockWidth]: number `column * kBlockWidth + lane` of `count` vectors; the last
// block is padded with zeros.
struct VectorBlocks {
  int64_t count = 0;
  int64_t depth = 0;
  std::vector<double> values;

  VectorBlocks() = default;
  VectorBlocks(int64_t num_vectors, int64_t vector_depth);
  int64_t blocks() const { return (count + kBlockWidth - 1) / kBlockWidth; }
  const double* block(int64_t index) const { return values.data() + index * depth * kBlockWidth; }
  double& at(int64_t vector, int64_t component) {
    return values[static_cast<size_t>(((vector / kBlockWidth) * depth + component) * kBlockWidth +
                                      vector % kBlockWidth)];
  }
  double at(int64_t vector, int64_t component) const {
    return const_cast<VectorBlocks*>(this)->at(vector, component);
  }
};

// out[r][lane] = sum over k < depth of a[r * stride + k] * block[k][lane], for r < rows.
//   block  [depth, kBlockWidth]
//   out    [rows, kBlockWidth]
void multiply_block(const double* a, int64_t stride, int64_t rows, int64_t depth,
                    const double* block, double* out);

// sums[lane] += weights[r] * x[r][lane], squares[lane] += weights[r] * x[r][lane]^2, for all rows
// r.
//   x              [weights.size(), kBlockWidth]
//   sums, squares  [kBlockWidth]
void add_weighted_powers(const double* x, std::span<const double> weights, double* sums,
                         double* squares);

// products[i][j] += sum over rows r of weights[r] * x[r][i] * x[r][j], for j <= i only.
//   x         [rows, dim]
//   weights   [rows]
//   products  [dim, dim]; numbers above the diagonal are left as they are
void add_outer_products(TensorView<const double, 2> x, std::span<const double> weights,
                        std::span<double> products);

}  // namespace qk
