// Rows times a factor each: x[i][c] *= factors[i].
//   x        [n, width]
//   factors  [n]
#pragma once

#include <span>

#include "base/tensor.h"
#include "kernels/context.h"

namespace qk {

void scale_rows_ref(Context& context, MatrixView x, std::span<const float> factors);
void scale_rows_cpu(Context& context, MatrixView x, std::span<const float> factors);

}  // namespace qk
