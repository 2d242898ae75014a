#include "base/error.h"
#include "kernels/scale_rows.h"

namespace qk {

void scale_rows_ref(Context& /*context*/, MatrixView x, std::span<const float> factors) {
  QK_CHECK(x.dim(0) == static_cast<int64_t>(factors.size()));
  for (int64_t i = 0; i < x.dim(0); ++i) {
    for (int64_t c = 0; c < x.dim(1); ++c) *x[i][c] *= factors[i];
  }
}

}  // namespace qk
