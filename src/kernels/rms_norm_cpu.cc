#include <cmath>

#include "base/error.h"
#include "base/simd_targets.h"
#include "kernels/mapped_weight.h"
#include "kernels/rms_norm.h"
#include "kernels/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rms_norm_cpu.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kChains = 16;
using D = hn::CappedTag<float, kChains>;
using V = hn::Vec<D>;
constexpr size_t N = hn::MaxLanes(D());
constexpr size_t kVectors = kChains / N;

// x[i], or zeros where the row has ended.
HWY_INLINE V load_or_zero(const float* x, size_t i, size_t width) {
  if (i + N <= width) return hn::LoadU(D(), x + i);
  HWY_ALIGN float padded[N] = {};
  for (size_t j = 0; i + j < width; ++j) padded[j] = x[i + j];
  return hn::Load(D(), padded);
}

// Chain j sums x[i]^2 over i = j, j + 16, ...; a tree adds the chains.
HWY_INLINE float sum_of_squares(const float* x, size_t width) {
  V sums[kVectors];
  for (V& sum : sums) sum = hn::Zero(D());
  for (size_t i = 0; i < width; i += kChains) {
    for (size_t v = 0; v < kVectors; ++v) {
      const V a = load_or_zero(x, i + v * N, width);
      sums[v] = hn::MulAdd(a, a, sums[v]);
    }
  }
  HWY_ALIGN float chains[kChains];
  for (size_t v = 0; v < kVectors; ++v) hn::Store(sums[v], D(), chains + v * N);
  for (size_t step = kChains / 2; step > 0; step /= 2) {
    for (size_t j = 0; j < step; ++j) chains[j] += chains[j + step];
  }
  return chains[0];
}

void norm_row(const float* x, const float* weight, size_t width, float eps, float offset,
              float* out) {
  const float mean = sum_of_squares(x, width) / static_cast<float>(width);
  const float inverse = 1.0F / std::sqrt(mean + eps);
  size_t i = 0;
  for (; i + N <= width; i += N) {
    const V w = hn::Add(hn::LoadU(D(), weight + i), hn::Set(D(), offset));
    hn::StoreU(hn::Mul(w, hn::Mul(hn::LoadU(D(), x + i), hn::Set(D(), inverse))), D(), out + i);
  }
  for (; i < width; ++i) out[i] = (weight[i] + offset) * (x[i] * inverse);
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(norm_row);

void rms_norm_cpu(Context& context, ConstMatrixView x, BoundVector weight, float eps, NormKind kind,
                  MatrixView out) {
  QK_CHECK(x.shape() == out.shape() && x.dim(1) == weight.size);
  const float offset = kind == NormKind::kRmsPlusOne ? 1.0F : 0.0F;
  const auto norm = HWY_DYNAMIC_DISPATCH(norm_row);
  for_row_blocks(context, x.dim(0), x.dim(1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      norm(x[i].data(), mapped(weight), static_cast<size_t>(weight.size), eps, offset,
           out[i].data());
    }
  });
}

}  // namespace qk
#endif  // HWY_ONCE
