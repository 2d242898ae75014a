// Interleaves rows of numbers: the packing of every operand of a tile.
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
// Four numbers of every row of a group of lanes / 4 rows, in blocks of four.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V load_blocks(D d, const float* const* rows, int64_t k) {
  if constexpr (hn::MaxLanes(d) == 4) {
    return hn::LoadU(d, rows[0] + k);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_blocks(half, rows + 4, k), load_blocks(half, rows, k));
  }
}

// out[k * stride + r] = rows[r][k] for as many rows as D has lanes (4 or 8), k in [begin, end).
template <class D>
HWY_INLINE void interleave_lanes(D d, const float* const* rows, int64_t begin, int64_t end,
                                 float* out, int64_t stride) {
  int64_t k = begin;
  for (; k + 4 <= end; k += 4) {
    const auto r0 = load_blocks(d, rows, k);
    const auto r1 = load_blocks(d, rows + 1, k);
    const auto r2 = load_blocks(d, rows + 2, k);
    const auto r3 = load_blocks(d, rows + 3, k);
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
  for (; k < end; ++k) {
    for (size_t r = 0; r < hn::MaxLanes(d); ++r) out[k * stride + r] = rows[r][k];
  }
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
    if constexpr (hn::MaxLanes(hn::CappedTag<float, 8>()) == 8) {
      for (const int64_t eights = num_rows / 8 * 8; r < eights; r += 8) {
        interleave_lanes(hn::CappedTag<float, 8>(), rows + r, begin, end, out + r, stride);
      }
    }
    for (const int64_t fours = num_rows / 4 * 4; r < fours; r += 4) {
      interleave_lanes(hn::FixedTag<float, 4>(), rows + r, begin, end, out + r, stride);
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
