#include "base/error.h"
#include "base/simd_targets.h"
#include "kernels/add.h"
#include "kernels/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/add_cpu.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

void add_numbers(float* x, const float* y, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t N = hn::Lanes(d);
  size_t i = 0;
  for (; i + N <= count; i += N) {
    hn::StoreU(hn::Add(hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, x + i);
  }
  for (; i < count; ++i) x[i] += y[i];
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(add_numbers);

void add_cpu(Context& context, MatrixView x, ConstMatrixView y) {
  QK_CHECK(x.shape() == y.shape());
  const auto add = HWY_DYNAMIC_DISPATCH(add_numbers);
  const int64_t width = x.dim(1);
  for_row_blocks(context, x.dim(0), width, [&](int64_t begin, int64_t end) {
    add(x.data() + begin * width, y.data() + begin * width,
        static_cast<size_t>((end - begin) * width));
  });
}

}  // namespace qk
#endif  // HWY_ONCE
