// One copy of this file is compiled for every SIMD target; one is picked at run time.
#include "stats/dense_products.h"

#include "base/error.h"
#include "base/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stats/dense_products.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// At most 8 lanes, so that a block is always a whole number of vectors.
using D = hn::CappedTag<double, 8>;
using V = hn::Vec<D>;

// R rows by two vectors of lanes.
template <int64_t R>
HWY_INLINE void multiply_tile(const double* HWY_RESTRICT a, int64_t stride, int64_t depth,
                              const double* HWY_RESTRICT block, double* HWY_RESTRICT out) {
  const D d;
  const size_t N = hn::Lanes(d);
  for (size_t lane = 0; lane < static_cast<size_t>(kBlockWidth); lane += 2 * N) {
    V low[R];
    V high[R];
    for (int64_t r = 0; r < R; ++r) low[r] = high[r] = hn::Zero(d);
    for (int64_t k = 0; k < depth; ++k) {
      const V b0 = hn::LoadU(d, block + k * kBlockWidth + lane);
      const V b1 = hn::LoadU(d, block + k * kBlockWidth + lane + N);
      for (int64_t r = 0; r < R; ++r) {
        const V factor = hn::Set(d, a[r * stride + k]);
        low[r] = hn::MulAdd(factor, b0, low[r]);
        high[r] = hn::MulAdd(factor, b1, high[r]);
      }
    }
    for (int64_t r = 0; r < R; ++r) {
      hn::StoreU(low[r], d, out + r * kBlockWidth + lane);
      hn::StoreU(high[r], d, out + r * kBlockWidth + lane + N);
    }
  }
}

void multiply_rows(const double* a, int64_t stride, int64_t rows, int64_t depth,
                   const double* block, double* out) {
  // As many rows as the registers hold sums of.
  constexpr int64_t kTall = HWY_TARGET <= HWY_AVX3 ? 8 : 4;
  int64_t r = 0;
  for (; r + kTall <= rows; r += kTall) {
    multiply_tile<kTall>(a + r * stride, stride, depth, block, out + r * kBlockWidth);
  }
  for (; r + 4 <= rows; r += 4) {
    multiply_tile<4>(a + r * stride, stride, depth, block, out + r * kBlockWidth);
  }
  for (; r < rows; ++r) {
    multiply_tile<1>(a + r * stride, stride, depth, block, out + r * kBlockWidth);
  }
}

void add_powers(const double* HWY_RESTRICT x, const double* HWY_RESTRICT weights, size_t rows,
                double* HWY_RESTRICT sums, double* HWY_RESTRICT squares) {
  const D d;
  for (size_t lane = 0; lane < static_cast<size_t>(kBlockWidth); lane += hn::Lanes(d)) {
    V sum = hn::LoadU(d, sums + lane);
    V square = hn::LoadU(d, squares + lane);
    for (size_t r = 0; r < rows; ++r) {
      const V value = hn::LoadU(d, x + r * kBlockWidth + lane);
      const V weighted = hn::Mul(hn::Set(d, weights[r]), value);
      sum = hn::Add(sum, weighted);
      square = hn::MulAdd(weighted, value, square);
    }
    hn::StoreU(sum, d, sums + lane);
    hn::StoreU(square, d, squares + lane);
  }
}

// Adds factors[i][r] * x[r][0..end) to the rows i = 0, 1 of products, for four rows r.
HWY_INLINE void add_two_rows(const double* HWY_RESTRICT x, size_t dim, const double (&f)[2][4],
                             size_t end, double* HWY_RESTRICT first, double* HWY_RESTRICT second) {
  const D d;
  const size_t N = hn::Lanes(d);
  size_t j = 0;
  for (; j + N <= end; j += N) {
    V s0 = hn::LoadU(d, first + j);
    V s1 = hn::LoadU(d, second + j);
    for (size_t r = 0; r < 4; ++r) {
      const V value = hn::LoadU(d, x + r * dim + j);
      s0 = hn::MulAdd(hn::Set(d, f[0][r]), value, s0);
      s1 = hn::MulAdd(hn::Set(d, f[1][r]), value, s1);
    }
    hn::StoreU(s0, d, first + j);
    hn::StoreU(s1, d, second + j);
  }
  for (; j < end; ++j) {
    for (size_t r = 0; r < 4; ++r) {
      first[j] += f[0][r] * x[r * dim + j];
      second[j] += f[1][r] * x[r * dim + j];
    }
  }
}

// Four rows of x at a time; `end` of an even row also covers its odd neighbour's diagonal, so one
// number above the diagonal is computed and then put back.
void add_four_rows(const double* x, size_t dim, const double* weights, double* products) {
  double f[2][4];
  size_t i = 0;
  for (; i + 2 <= dim; i += 2) {
    for (size_t r = 0; r < 4; ++r) {
      f[0][r] = weights[r] * x[r * dim + i];
      f[1][r] = weights[r] * x[r * dim + i + 1];
    }
    double* first = products + i * dim;
    const double above = first[i + 1];
    add_two_rows(x, dim, f, i + 2, first, first + dim);
    first[i + 1] = above;
  }
  for (; i < dim; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (size_t r = 0; r < 4; ++r) sum += weights[r] * x[r * dim + i] * x[r * dim + j];
      products[i * dim + j] += sum;
    }
  }
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(multiply_rows);
HWY_EXPORT(add_powers);
HWY_EXPORT(add_four_rows);

VectorBlocks::VectorBlocks(int64_t num_vectors, int64_t vector_depth)
    : count(num_vectors), depth(vector_depth) {
  values.resize(static_cast<size_t>(blocks() * depth * kBlockWidth));
}

void multiply_block(const double* a, int64_t stride, int64_t rows, int64_t depth,
                    const double* block, double* out) {
  HWY_DYNAMIC_DISPATCH(multiply_rows)(a, stride, rows, depth, block, out);
}

void add_weighted_powers(const double* x, std::span<const double> weights, double* sums,
                         double* squares) {
  HWY_DYNAMIC_DISPATCH(add_powers)(x, weights.data(), weights.size(), sums, squares);
}

void add_outer_products(TensorView<const double, 2> x, std::span<const double> weights,
                        std::span<double> products) {
  const auto dim = static_cast<size_t>(x.dim(1));
  QK_CHECK(static_cast<int64_t>(weights.size()) == x.dim(0) && products.size() == dim * dim);
  const auto add_four = HWY_DYNAMIC_DISPATCH(add_four_rows);
  int64_t row = 0;
  for (; row + 4 <= x.dim(0); row += 4) {
    add_four(x[row].data(), dim, weights.data() + row, products.data());
  }
  for (; row < x.dim(0); ++row) {
    const double* values = x[row].data();
    for (size_t i = 0; i < dim; ++i) {
      const double factor = weights[static_cast<size_t>(row)] * values[i];
      for (size_t j = 0; j <= i; ++j) products[i * dim + j] += factor * values[j];
    }
  }
}

}  // namespace qk
#endif  // HWY_ONCE
