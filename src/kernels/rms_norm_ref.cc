#include <cmath>

#include "base/error.h"
#include "kernels/mapped_weight.h"
#include "kernels/rms_norm.h"

namespace qk {

void rms_norm_ref(Context& /*context*/, ConstMatrixView x, BoundVector weight, float eps,
                  NormKind kind, MatrixView out) {
  QK_CHECK(x.shape() == out.shape() && x.dim(1) == weight.size);
  const double offset = kind == NormKind::kRmsPlusOne ? 1.0 : 0.0;
  for (int64_t i = 0; i < x.dim(0); ++i) {
    double squares = 0;
    for (int64_t c = 0; c < x.dim(1); ++c) squares += double{*x[i][c]} * *x[i][c];
    const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(x.dim(1)) + double{eps});
    for (int64_t c = 0; c < x.dim(1); ++c) {
      *out[i][c] =
          static_cast<float>((offset + double{mapped(weight)[c]}) * (double{*x[i][c]} * inverse));
    }
  }
}

}  // namespace qk
