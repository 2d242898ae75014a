// The one micro-kernel of linear and attention: a tile of a product, held in registers.
//   c[r][j] = sum_k a[k][r] b[k][j],  r < rows <= kTileRows, j < kTileCols
// as one chain of fused multiply-adds per element, in order of k, from zero. The result of an
// element does not depend on the tile that it is computed in.
#if defined(QK_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QK_KERNELS_TILE_INL_H_
#undef QK_KERNELS_TILE_INL_H_
#else
#define QK_KERNELS_TILE_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstddef>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr size_t kLanes = hn::MaxLanes(D());
constexpr size_t kTileCols = 2 * kLanes;
// Two vectors a row: 28 of 32 registers hold sums on AVX-512, 12 of 16 on AVX2.
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
constexpr size_t kTileRows = 14;
#elif HWY_ARCH_X86
constexpr size_t kTileRows = 6;
#else
constexpr size_t kTileRows = 12;
#endif

// One step of k. REQUIRES: lo and hi are local arrays, so that they become registers.
template <size_t... R>
HWY_INLINE void tile_step(const float* a, V b_lo, V b_hi, V* lo, V* hi, std::index_sequence<R...>) {
  const auto row = [&](size_t r) HWY_ATTR {
    const V x = hn::Set(D(), a[r]);
    lo[r] = hn::MulAdd(x, b_lo, lo[r]);
    hi[r] = hn::MulAdd(x, b_hi, hi[r]);
  };
  (row(R), ...);
}

template <class Emit, size_t... R>
HWY_INLINE void emit_rows(const Emit& emit, const V* lo, const V* hi, std::index_sequence<R...>) {
  (emit(R, lo[R], hi[R]), ...);
}

// emit(r, c[r][0, kLanes), c[r][kLanes, 2 kLanes)) for every row.
//   a  [depth][>= rows], rows a_stride apart, any alignment
//   b  [depth][kTileCols], aligned to a vector
//   next  null, or where a later tile begins, rows a_stride apart: fetched ahead, a line a step, so
//         that it does not wait for the last-level cache at every page
template <size_t rows, class Emit>
HWY_INLINE void tile(const float* HWY_RESTRICT a, size_t a_stride, const float* HWY_RESTRICT b,
                     size_t depth, const Emit& emit, const float* next = nullptr) {
  constexpr auto kRows = std::make_index_sequence<rows>();
  V lo[rows];
  V hi[rows];
  for (size_t r = 0; r < rows; ++r) lo[r] = hi[r] = hn::Zero(D());
  if (next == nullptr) {
    for (size_t k = 0; k < depth; ++k) {
      tile_step(a, hn::Load(D(), b), hn::Load(D(), b + kLanes), lo, hi, kRows);
      a += a_stride;
      b += kTileCols;
    }
  } else {
    for (size_t k = 0; k < depth; ++k) {
      hwy::Prefetch(next);
      tile_step(a, hn::Load(D(), b), hn::Load(D(), b + kLanes), lo, hi, kRows);
      a += a_stride;
      next += a_stride;
      b += kTileCols;
    }
  }
  emit_rows(emit, lo, hi, kRows);
}

// The same for a number of rows known at run time, 1 <= rows <= kTileRows.
template <size_t most = kTileRows, class Emit>
HWY_INLINE void tile_of(size_t rows, const float* a, size_t a_stride, const float* b, size_t depth,
                        const Emit& emit) {
  if constexpr (most > 1) {
    if (rows < most) return tile_of<most - 1>(rows, a, a_stride, b, depth, emit);
  }
  tile<most>(a, a_stride, b, depth, emit);
}

}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
