// RMS normalisation of rows: r = x / sqrt(mean(x^2) + eps), then
//   kRms         out = weight * r
//   kRmsPlusOne  out = (1 + weight) * r
//   x, out  [n, width]; out may be x
//   weight  [width]
// The sum of squares runs in 16 interleaved float32 chains that a fixed tree adds up, on every SIMD
// width: same bits everywhere.
#pragma once

#include <span>

#include "base/tensor.h"
#include "kernels/backend.h"
#include "kernels/context.h"

namespace qk {

void rms_norm_ref(Context& context, ConstMatrixView x, BoundVector weight, float eps, NormKind kind,
                  MatrixView out);
void rms_norm_cpu(Context& context, ConstMatrixView x, BoundVector weight, float eps, NormKind kind,
                  MatrixView out);

}  // namespace qk
