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
// Four rows, count rounded down to a multiple of 4; returns the numbers done.
HWY_INLINE int64_t interleave_four(const float* const* rows, int64_t count, float* out,
                                   int64_t stride) {
  const hn::FixedTag<float, 4> d;
  int64_t k = 0;
  for (; k + 4 <= count; k += 4) {
    const auto r0 = hn::LoadU(d, rows[0] + k);
    const auto r1 = hn::LoadU(d, rows[1] + k);
    const auto r2 = hn::LoadU(d, rows[2] + k);
    const auto r3 = hn::LoadU(d, rows[3] + k);
    const auto even_lo = hn::InterleaveLower(d, r0, r2);
    const auto odd_lo = hn::InterleaveLower(d, r1, r3);
    const auto even_hi = hn::InterleaveUpper(d, r0, r2);
    const auto odd_hi = hn::InterleaveUpper(d, r1, r3);
    float* to = out + k * stride;
    hn::StoreU(hn::InterleaveLower(d, even_lo, odd_lo), d, to);
    hn::StoreU(hn::InterleaveUpper(d, even_lo, odd_lo), d, to + stride);
    hn::StoreU(hn::InterleaveLower(d, even_hi, odd_hi), d, to + 2 * stride);
    hn::StoreU(hn::InterleaveUpper(d, even_hi, odd_hi), d, to + 3 * stride);
  }
  return k;
}
#endif

// out[k * stride + r] = rows[r][k] for r < num_rows, k < count; writes nothing else.
HWY_INLINE void interleave_rows(const float* const* rows, int64_t num_rows, int64_t count,
                                float* out, int64_t stride) {
  int64_t r = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; r + 4 <= num_rows; r += 4) {
    const int64_t done = interleave_four(rows + r, count, out + r, stride);
    for (int64_t k = done; k < count; ++k) {
      for (int64_t j = 0; j < 4; ++j) out[k * stride + r + j] = rows[r + j][k];
    }
  }
#endif
  for (; r < num_rows; ++r) {
    const float* row = rows[r];
    float* to = out + r;
    for (int64_t k = 0; k < count; ++k, to += stride) *to = row[k];
  }
}

}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
