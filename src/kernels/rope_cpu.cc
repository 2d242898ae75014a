#include "base/error.h"
#include "base/simd_targets.h"
#include "kernels/rope.h"
#include "kernels/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rope_cpu.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;

// [half] pairs (a[i], b[i]).
void turn_halves(float* a, float* b, const float* cos, const float* sin, size_t half) {
  const D d;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= half; i += N) {
    const auto va = hn::LoadU(d, a + i);
    const auto vb = hn::LoadU(d, b + i);
    const auto c = hn::LoadU(d, cos + i);
    const auto s = hn::LoadU(d, sin + i);
    hn::StoreU(hn::Sub(hn::Mul(va, c), hn::Mul(vb, s)), d, a + i);
    hn::StoreU(hn::Add(hn::Mul(vb, c), hn::Mul(va, s)), d, b + i);
  }
  for (; i < half; ++i) {
    const float x = a[i];
    const float y = b[i];
    a[i] = x * cos[i] - y * sin[i];
    b[i] = y * cos[i] + x * sin[i];
  }
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(turn_halves);
namespace {

void turn_pairs(float* x, const float* cos, const float* sin, size_t half) {
  for (size_t i = 0; i < half; ++i) {
    const float a = x[2 * i];
    const float b = x[2 * i + 1];
    x[2 * i] = a * cos[i] - b * sin[i];
    x[2 * i + 1] = b * cos[i] + a * sin[i];
  }
}

}  // namespace

void rope_cpu(Context& context, TensorView<float, 3> x, ConstMatrixView cos, ConstMatrixView sin,
              RopeLayout layout) {
  const int64_t half = cos.dim(1);
  QK_CHECK(cos.dim(0) == x.dim(0) && cos.shape() == sin.shape() && 2 * half <= x.dim(2));
  const auto turn = HWY_DYNAMIC_DISPATCH(turn_halves);
  const int64_t heads = x.dim(1);
  for_row_blocks(context, x.dim(0), heads * x.dim(2), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * heads; i < end * heads; ++i) {
      const int64_t t = i / heads;
      float* head = x[t][i % heads].data();
      if (layout == RopeLayout::kHalves) {
        turn(head, head + half, cos[t].data(), sin[t].data(), static_cast<size_t>(half));
      } else {
        turn_pairs(head, cos[t].data(), sin[t].data(), static_cast<size_t>(half));
      }
    }
  });
}

}  // namespace qk
#endif  // HWY_ONCE
