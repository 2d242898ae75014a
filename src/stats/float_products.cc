// One copy of this file is compiled for every SIMD target; one is picked at run time.
#include "stats/float_products.h"

#include "base/error.h"
#include "base/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stats/float_products.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes, so that a block is always a whole number of pairs of vectors.
using FloatTag = hn::CappedTag<float, 16>;
using FloatVec = hn::Vec<FloatTag>;

// The products of R rows with two vectors of lanes.
template <int64_t R>
HWY_INLINE void multiply_tile(const float* HWY_RESTRICT rows, int64_t depth,
                              const float* HWY_RESTRICT block, FloatVec (&low)[R],
                              FloatVec (&high)[R]) {
  const FloatTag d;
  for (int64_t r = 0; r < R; ++r) low[r] = high[r] = hn::Zero(d);
  for (int64_t k = 0; k < depth; ++k) {
    const FloatVec b0 = hn::LoadU(d, block + k * kFloatBlockWidth);
    const FloatVec b1 = hn::LoadU(d, block + k * kFloatBlockWidth + hn::Lanes(d));
    for (int64_t r = 0; r < R; ++r) {
      const FloatVec factor = hn::Set(d, rows[r * depth + k]);
      low[r] = hn::MulAdd(factor, b0, low[r]);
      high[r] = hn::MulAdd(factor, b1, high[r]);
    }
  }
}

template <int64_t R>
HWY_INLINE void add_signs(const FloatVec (&scores)[R], float* HWY_RESTRICT positive,
                          float* HWY_RESTRICT zero) {
  const FloatTag d;
  const FloatVec one = hn::Set(d, 1.0F);
  const FloatVec none = hn::Zero(d);
  FloatVec above = hn::LoadU(d, positive);
  FloatVec equal = hn::LoadU(d, zero);
  for (int64_t r = 0; r < R; ++r) {
    above = hn::Add(above, hn::IfThenElseZero(hn::Gt(scores[r], none), one));
    equal = hn::Add(equal, hn::IfThenElseZero(hn::Eq(scores[r], none), one));
  }
  hn::StoreU(above, d, positive);
  hn::StoreU(equal, d, zero);
}

// sums += weight * score, squares += weight * score^2 for the lanes of R scores.
template <int64_t R>
HWY_INLINE void add_powers_of(const FloatVec (&scores)[R], const double* HWY_RESTRICT weights,
                              double* HWY_RESTRICT sums, double* HWY_RESTRICT squares) {
  const FloatTag floats;
  const hn::CappedTag<double, 8> d;
  const hn::Rebind<float, decltype(d)> half;  // as many floats as d has doubles
  const size_t width = hn::Lanes(floats);
  HWY_ALIGN float stored[R * 16];
  for (int64_t r = 0; r < R; ++r) hn::StoreU(scores[r], floats, stored + r * 16);
  for (size_t lane = 0; lane < width; lane += hn::Lanes(d)) {
    auto sum = hn::LoadU(d, sums + lane);
    auto square = hn::LoadU(d, squares + lane);
    for (int64_t r = 0; r < R; ++r) {
      const auto score = hn::PromoteTo(d, hn::LoadU(half, stored + r * 16 + lane));
      const auto weighted = hn::Mul(hn::Set(d, weights[r]), score);
      sum = hn::Add(sum, weighted);
      square = hn::MulAdd(weighted, score, square);
    }
    hn::StoreU(sum, d, sums + lane);
    hn::StoreU(square, d, squares + lane);
  }
}

template <int64_t R>
HWY_INLINE void count_tile(const float* HWY_RESTRICT rows, int64_t depth,
                           const float* HWY_RESTRICT block, float* HWY_RESTRICT positive,
                           float* HWY_RESTRICT zero) {
  const size_t N = hn::Lanes(FloatTag());
  FloatVec low[R];
  FloatVec high[R];
  for (size_t lane = 0; lane < static_cast<size_t>(kFloatBlockWidth); lane += 2 * N) {
    multiply_tile<R>(rows, depth, block + lane, low, high);
    add_signs<R>(low, positive + lane, zero + lane);
    add_signs<R>(high, positive + lane + N, zero + lane + N);
  }
}

template <int64_t R>
HWY_INLINE void power_tile(const float* HWY_RESTRICT rows, const double* HWY_RESTRICT weights,
                           int64_t depth, const float* HWY_RESTRICT block,
                           double* HWY_RESTRICT sums, double* HWY_RESTRICT squares) {
  const size_t N = hn::Lanes(FloatTag());
  FloatVec low[R];
  FloatVec high[R];
  for (size_t lane = 0; lane < static_cast<size_t>(kFloatBlockWidth); lane += 2 * N) {
    multiply_tile<R>(rows, depth, block + lane, low, high);
    add_powers_of<R>(low, weights, sums + lane, squares + lane);
    add_powers_of<R>(high, weights, sums + lane + N, squares + lane + N);
  }
}

template <int64_t R>
HWY_INLINE void product_tile(const float* HWY_RESTRICT rows, int64_t depth,
                             const float* HWY_RESTRICT block, float* HWY_RESTRICT out) {
  const FloatTag d;
  const size_t N = hn::Lanes(d);
  FloatVec low[R];
  FloatVec high[R];
  for (size_t lane = 0; lane < static_cast<size_t>(kFloatBlockWidth); lane += 2 * N) {
    multiply_tile<R>(rows, depth, block + lane, low, high);
    for (int64_t r = 0; r < R; ++r) {
      hn::StoreU(low[r], d, out + r * kFloatBlockWidth + lane);
      hn::StoreU(high[r], d, out + r * kFloatBlockWidth + lane + N);
    }
  }
}

// As many rows as the registers hold sums of.
constexpr int64_t kTall = HWY_TARGET <= HWY_AVX3 ? 12 : 6;

void count_rows(const float* rows, int64_t num_rows, int64_t depth, const float* block,
                float* positive, float* zero) {
  int64_t r = 0;
  for (; r + kTall <= num_rows; r += kTall) {
    count_tile<kTall>(rows + r * depth, depth, block, positive, zero);
  }
  for (; r + 3 <= num_rows; r += 3) {
    count_tile<3>(rows + r * depth, depth, block, positive, zero);
  }
  for (; r < num_rows; ++r) count_tile<1>(rows + r * depth, depth, block, positive, zero);
}

void power_rows(const float* rows, const double* weights, int64_t num_rows, int64_t depth,
                const float* block, double* sums, double* squares) {
  int64_t r = 0;
  for (; r + kTall <= num_rows; r += kTall) {
    power_tile<kTall>(rows + r * depth, weights + r, depth, block, sums, squares);
  }
  for (; r + 3 <= num_rows; r += 3) {
    power_tile<3>(rows + r * depth, weights + r, depth, block, sums, squares);
  }
  for (; r < num_rows; ++r) {
    power_tile<1>(rows + r * depth, weights + r, depth, block, sums, squares);
  }
}

void product_rows(const float* rows, int64_t num_rows, int64_t depth, const float* block,
                  float* out) {
  int64_t r = 0;
  for (; r + kTall <= num_rows; r += kTall) {
    product_tile<kTall>(rows + r * depth, depth, block, out + r * kFloatBlockWidth);
  }
  for (; r < num_rows; ++r) {
    product_tile<1>(rows + r * depth, depth, block, out + r * kFloatBlockWidth);
  }
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(count_rows);
HWY_EXPORT(power_rows);
HWY_EXPORT(product_rows);

FloatBlocks::FloatBlocks(std::span<const float> vectors, int64_t depth)
    : count_(static_cast<int64_t>(vectors.size()) / depth), depth_(depth) {
  QK_CHECK(depth >= 1 && count_ * depth == static_cast<int64_t>(vectors.size()));
  values_.resize(static_cast<size_t>(blocks() * depth * kFloatBlockWidth));
  for (int64_t n = 0; n < count_; ++n) {
    float* out =
        values_.data() + (n / kFloatBlockWidth) * depth * kFloatBlockWidth + n % kFloatBlockWidth;
    for (int64_t j = 0; j < depth; ++j) {
      out[j * kFloatBlockWidth] = vectors[static_cast<size_t>(n * depth + j)];
    }
  }
}

void count_preferences(const float* rows, int64_t num_rows, int64_t depth, const float* block,
                       float* positive, float* zero) {
  HWY_DYNAMIC_DISPATCH(count_rows)(rows, num_rows, depth, block, positive, zero);
}

void multiply_float_block(const float* rows, int64_t num_rows, int64_t depth, const float* block,
                          float* out) {
  HWY_DYNAMIC_DISPATCH(product_rows)(rows, num_rows, depth, block, out);
}

void add_score_powers(const float* rows, std::span<const double> weights, int64_t depth,
                      const float* block, double* sums, double* squares) {
  HWY_DYNAMIC_DISPATCH(power_rows)(rows, weights.data(), std::ssize(weights), depth, block, sums,
                                   squares);
}

}  // namespace qk
#endif  // HWY_ONCE
