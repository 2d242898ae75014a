// Rotary position embedding, in place, on the first rotary_dim components of every head:
//   kHalves  a = x[i],  b = x[i + rotary_dim / 2]
//   kPairs   a = x[2i], b = x[2i + 1]
//   a' = a cos[i] - b sin[i],  b' = b cos[i] + a sin[i],  i in [0, rotary_dim / 2)
// Two rounded products and one rounded sum (no fused multiply-add), as PyTorch computes it.
//   x         [tokens, heads, head_dim]
//   cos, sin  [tokens, rotary_dim / 2]
// REQUIRES: rotary_dim <= head_dim.
#pragma once

#include "base/tensor.h"
#include "kernels/backend.h"
#include "kernels/context.h"

namespace qk {

void rope_ref(Context& context, TensorView<float, 3> x, ConstMatrixView cos, ConstMatrixView sin,
              RopeLayout layout);
void rope_cpu(Context& context, TensorView<float, 3> x, ConstMatrixView cos, ConstMatrixView sin,
              RopeLayout layout);

}  // namespace qk
