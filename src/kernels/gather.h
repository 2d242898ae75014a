// Rows moved within a backend's memory, and rows and heads that leave it.
//
// gather_rows  out[i] = x[rows[i]]
//   x     [n, width]
//   rows  [m] in [0, n)
//   out   [m, width]; may lie within x if no out[i] begins after x[rows[i]] (rows move towards the
//         front, in order)
//
// gather_taps  out[i][j] = x[rows[i]][heads[j]] as float32
//   x      [n, num_heads, head_dim]
//   rows   [m] in [0, n)
//   heads  [h] in [0, num_heads)
//   out    [m, h, head_dim] in memory of the host (Memory::kHost)
// finish_taps gives the first i whose vectors hold NaN or infinity; m if there is none. After the
// first such row the contents of out are arbitrary.
#pragma once

#include <cstdint>
#include <span>

#include "base/tensor.h"
#include "kernels/activation.h"
#include "kernels/context.h"

namespace qk {

// One version for ref and cpu: both move memory of the host. out is filled on return; the ticket is
// what finish_taps_host returns.
void gather_rows_host(Context& context, ConstMatrixView x, std::span<const int32_t> rows,
                      MatrixView out);
int64_t gather_taps_host(Context& context, ConstHeads x, std::span<const int32_t> rows,
                         std::span<const int32_t> heads, TensorView<float, 3> out);
int64_t finish_taps_host(Context& context, int64_t ticket);

}  // namespace qk
