// One copy of this file is compiled for every SIMD target; one is picked at run time.
#include "stats/preference_counts.h"

#include "base/error.h"
#include "base/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stats/preference_counts.cc"
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

// R rows by two vectors of lanes: their products' signs are added to the counts.
template <int64_t R>
HWY_INLINE void count_tile(const float* HWY_RESTRICT rows, int64_t depth,
                           const float* HWY_RESTRICT block, float* HWY_RESTRICT positive,
                           float* HWY_RESTRICT zero) {
  const FloatTag d;
  const size_t N = hn::Lanes(d);
  const FloatVec one = hn::Set(d, 1.0F);
  const FloatVec none = hn::Zero(d);
  for (size_t lane = 0; lane < static_cast<size_t>(kFloatBlockWidth); lane += 2 * N) {
    FloatVec low[R];
    FloatVec high[R];
    for (int64_t r = 0; r < R; ++r) low[r] = high[r] = none;
    for (int64_t k = 0; k < depth; ++k) {
      const FloatVec b0 = hn::LoadU(d, block + k * kFloatBlockWidth + lane);
      const FloatVec b1 = hn::LoadU(d, block + k * kFloatBlockWidth + lane + N);
      for (int64_t r = 0; r < R; ++r) {
        const FloatVec factor = hn::Set(d, rows[r * depth + k]);
        low[r] = hn::MulAdd(factor, b0, low[r]);
        high[r] = hn::MulAdd(factor, b1, high[r]);
      }
    }
    for (const size_t half : {size_t{0}, size_t{1}}) {
      FloatVec above = hn::LoadU(d, positive + lane + half * N);
      FloatVec equal = hn::LoadU(d, zero + lane + half * N);
      for (int64_t r = 0; r < R; ++r) {
        const FloatVec score = half == 0 ? low[r] : high[r];
        above = hn::Add(above, hn::IfThenElseZero(hn::Gt(score, none), one));
        equal = hn::Add(equal, hn::IfThenElseZero(hn::Eq(score, none), one));
      }
      hn::StoreU(above, d, positive + lane + half * N);
      hn::StoreU(equal, d, zero + lane + half * N);
    }
  }
}

void count_rows(const float* rows, int64_t num_rows, int64_t depth, const float* block,
                float* positive, float* zero) {
  // As many rows as the registers hold sums of.
  constexpr int64_t kTall = HWY_TARGET <= HWY_AVX3 ? 12 : 6;
  int64_t r = 0;
  for (; r + kTall <= num_rows; r += kTall) {
    count_tile<kTall>(rows + r * depth, depth, block, positive, zero);
  }
  for (; r + 3 <= num_rows; r += 3) {
    count_tile<3>(rows + r * depth, depth, block, positive, zero);
  }
  for (; r < num_rows; ++r) count_tile<1>(rows + r * depth, depth, block, positive, zero);
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(count_rows);

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

}  // namespace qk
#endif  // HWY_ONCE
