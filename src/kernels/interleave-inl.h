// Rows of numbers written side by side: the packing of every operand of a tile.
#if defined(QK_KERNELS_INTERLEAVE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QK_KERNELS_INTERLEAVE_INL_H_
#undef QK_KERNELS_INTERLEAVE_INL_H_
#else
#define QK_KERNELS_INTERLEAVE_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR
// A square of four rows and four numbers: out[k * stride + r] = rows[r][k].
HWY_INLINE void interleave_square(const float* r0, const float* r1, const float* r2,
                                  const float* r3, float* out, int64_t stride) {
  const hn::FixedTag<float, 4> d;
  const auto v0 = hn::LoadU(d, r0);
  const auto v1 = hn::LoadU(d, r1);
  const auto v2 = hn::LoadU(d, r2);
  const auto v3 = hn::LoadU(d, r3);
  const auto even_lo = hn::InterleaveLower(d, v0, v2);
  const auto odd_lo = hn::InterleaveLower(d, v1, v3);
  const auto even_hi = hn::InterleaveUpper(d, v0, v2);
  const auto odd_hi = hn::InterleaveUpper(d, v1, v3);
  hn::StoreU(hn::InterleaveLower(d, even_lo, odd_lo), d, out);
  hn::StoreU(hn::InterleaveUpper(d, even_lo, odd_lo), d, out + stride);
  hn::StoreU(hn::InterleaveLower(d, even_hi, odd_hi), d, out + 2 * stride);
  hn::StoreU(hn::InterleaveUpper(d, even_hi, odd_hi), d, out + 3 * stride);
}
#endif

// out[k * stride + r] = rows[r][k] for r < num_rows, k < count; writes nothing else.
HWY_INLINE void interleave_rows(const float* const* rows, int64_t num_rows, int64_t count,
                                float* out, int64_t stride) {
  constexpr int64_t kStep = 16;  // a cache line of every row at a time
  for (int64_t begin = 0; begin < count; begin += kStep) {
    const int64_t end = begin + kStep < count ? begin + kStep : count;
    int64_t r = 0;
#if HWY_TARGET != HWY_SCALAR
    for (const int64_t fours = num_rows / 4 * 4; r < fours; r += 4) {
      int64_t k = begin;
      for (; k + 4 <= end; k += 4) {
        interleave_square(rows[r] + k, rows[r + 1] + k, rows[r + 2] + k, rows[r + 3] + k,
                          out + k * stride + r, stride);
      }
      for (; k < end; ++k) {
        for (int64_t j = 0; j < 4; ++j) out[k * stride + r + j] = rows[r + j][k];
      }
    }
#endif
    for (; r < num_rows; ++r) {
      for (int64_t k = begin; k < end; ++k) out[k * stride + r] = rows[r][k];
    }
  }
}

}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
