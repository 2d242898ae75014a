// Scaled dot-product attention of one sequence over its stored keys and values:
//   out[i][h] = sum_j p_j v[j][g],  p = softmax_j(scale * q[i][h].k[j][g])
// with g = h / (heads / num_key_value_heads), over the keys j that the query at positions[i] sees
// (AttentionShape in backend.h).
//   q, out     [n, heads, head_dim]
//   positions  [n] ascending
//   cache      keys and values [shape.num_keys, kv heads, head_dim], filled by kv_store of the same
//              backend
// The cpu version works in tiles of keys at fixed positions with a running softmax, so memory does
// not grow with the length; every lane of a vector is one query, so a row depends on its position
// and its keys only, not on the other rows, the threads or the SIMD width. Keys that a query does
// not see weigh exactly zero. REQUIRES: cache.num_heads divides heads; positions < num_keys <=
// cache.capacity; finite values.
#pragma once

#include <cstdint>
#include <span>

#include "base/tensor.h"
#include "kernels/backend.h"
#include "kernels/context.h"

namespace qk {

int64_t kv_bytes_ref(int64_t tokens, int64_t num_heads, int64_t head_dim);
int64_t kv_bytes_cpu(int64_t tokens, int64_t num_heads, int64_t head_dim);

void kv_store_ref(Context& context, const KeyValueCache& cache, int64_t first,
                  TensorView<const float, 3> k, TensorView<const float, 3> v);
void kv_store_cpu(Context& context, const KeyValueCache& cache, int64_t first,
                  TensorView<const float, 3> k, TensorView<const float, 3> v);

void attention_ref(Context& context, TensorView<const float, 3> q, const QueryPositions& positions,
                   const KeyValueCache& cache, const AttentionShape& shape,
                   TensorView<float, 3> out);
void attention_cpu(Context& context, TensorView<const float, 3> q, const QueryPositions& positions,
                   const KeyValueCache& cache, const AttentionShape& shape,
                   TensorView<float, 3> out);

// Bytes of work memory that attention_cpu holds, whatever the length.
int64_t attention_bytes(int64_t head_dim, int num_threads);

// Keys [begin, end) that the query at `position` sees.
struct KeyRange {
  int64_t begin = 0;
  int64_t end = 0;
};
KeyRange visible_keys(const AttentionShape& shape, int64_t position);

// Checks what every call must satisfy.
void check_attention(TensorView<const float, 3> q, const QueryPositions& positions,
                     const KeyValueCache& cache, const AttentionShape& shape,
                     TensorView<float, 3> out);

}  // namespace qk
