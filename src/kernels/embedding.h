// Token embeddings: out[i][c] = scale * table[ids[i]][c], rows widened to float32 first.
//   table  [vocab_size, hidden_size], any stored dtype
//   ids    [tokens]
//   out    [tokens, hidden_size]
// REQUIRES: 0 <= ids[i] < table.rows; out has a row per id and table.cols columns.
#pragma once

#include <cstdint>
#include <span>

#include "base/tensor.h"
#include "kernels/context.h"

namespace qk {

void embedding_ref(Context& context, const WeightMatrix& table, std::span<const int32_t> ids,
                   float scale, MatrixView out);
void embedding_cpu(Context& context, const WeightMatrix& table, std::span<const int32_t> ids,
                   float scale, MatrixView out);

}  // namespace qk
