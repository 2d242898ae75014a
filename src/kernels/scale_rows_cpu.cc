#include "base/error.h"
#include "base/simd_targets.h"
#include "kernels/row_blocks.h"
#include "kernels/scale_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scale_rows_cpu.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

void scale_numbers(float* x, float factor, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= count; i += N) {
    hn::StoreU(hn::Mul(hn::LoadU(d, x + i), hn::Set(d, factor)), d, x + i);
  }
  for (; i < count; ++i) x[i] *= factor;
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(scale_numbers);

void scale_rows_cpu(Context& context, MatrixView x, std::span<const float> factors) {
  QK_CHECK(x.dim(0) == static_cast<int64_t>(factors.size()));
  const auto scale = HWY_DYNAMIC_DISPATCH(scale_numbers);
  for_row_blocks(context, x.dim(0), x.dim(1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      scale(x[i].data(), factors[i], static_cast<size_t>(x.dim(1)));
    }
  });
}

}  // namespace qk
#endif  // HWY_ONCE
