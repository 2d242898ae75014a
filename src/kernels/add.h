// x += y, both [n, width].
#pragma once

#include "base/tensor.h"
#include "kernels/context.h"

namespace qk {

void add_ref(Context& context, MatrixView x, ConstMatrixView y);
void add_cpu(Context& context, MatrixView x, ConstMatrixView y);

}  // namespace qk
