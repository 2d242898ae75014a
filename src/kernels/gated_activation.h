// The gate of the MLP, in place: gate = activation(gate) * up.
//   kSilu      x / (1 + exp(-x))
//   kGeluTanh  0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)),  u = sqrt(2/pi) (x + 0.044715 x^3)
//   kGeluErf   0.5 x (1 + erf(x / sqrt 2))
//   gate, up  [n, width]
#pragma once

#include "base/tensor.h"
#include "kernels/backend.h"
#include "kernels/context.h"

namespace qk {

void gated_activation_ref(Context& context, MatrixView gate, ConstMatrixView up,
                          Activation activation);
void gated_activation_cpu(Context& context, MatrixView gate, ConstMatrixView up,
                          Activation activation);

}  // namespace qk
