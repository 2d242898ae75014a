#include "base/error.h"
#include "kernels/rope.h"

namespace qk {

void rope_ref(Context& /*context*/, TensorView<float, 3> x, ConstMatrixView cos,
              ConstMatrixView sin, RopeLayout layout) {
  const int64_t half = cos.dim(1);
  QK_CHECK(cos.dim(0) == x.dim(0) && cos.shape() == sin.shape() && 2 * half <= x.dim(2));
  for (int64_t t = 0; t < x.dim(0); ++t) {
    for (int64_t h = 0; h < x.dim(1); ++h) {
      float* head = x[t][h].data();
      for (int64_t i = 0; i < half; ++i) {
        float& a = layout == RopeLayout::kHalves ? head[i] : head[2 * i];
        float& b = layout == RopeLayout::kHalves ? head[i + half] : head[2 * i + 1];
        const double turned_a = double{a} * *cos[t][i] - double{b} * *sin[t][i];
        const double turned_b = double{b} * *cos[t][i] + double{a} * *sin[t][i];
        a = static_cast<float>(turned_a);
        b = static_cast<float>(turned_b);
      }
    }
  }
}

}  // namespace qk
