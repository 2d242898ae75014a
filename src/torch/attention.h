// Attention over the keys of one document. One function per kernel; kernel_choice.h says which one runs.
#pragma once

#include <cstdint>

#include "torch/device.h"
#include "torch/kernel_choice.h"

namespace qk_torch {

struct AttentionCall {    // tokens are rows
  at::Tensor query;       // [queries, heads, head_dim]
  at::Tensor key, value;  // [keys, key heads, head_dim]: those that any query sees
  int64_t first = 0;      // position of the first query
  int64_t window = 0;
  double scale = 1;
  bool causal = true;

  AttentionShape shape() const {
    return {query.size(0), key.size(0), first, query.size(2), window, causal};
  }
};

void kv_store(QkDevice& device, const QkCache& cache, int64_t first, const QkHeads& k,
              const QkHeads& v);
void attention(QkDevice& device, const QkHeads& q, const QkCache& cache, const QkAttention& shape,
               const QkHeads& out);

// Bytes of the keys, or the values, of a cache.
int64_t cache_part_bytes(c10::ScalarType type, int64_t tokens, int64_t num_heads, int64_t head_dim);

// Each returns [queries, heads, head_dim] (attention_kernels.cc, attention_bands.cc).
at::Tensor dispatched_attention(const AttentionCall& call);
at::Tensor sdpa_attention(const AttentionCall& call);
at::Tensor cudnn_attention(const AttentionCall& call);
at::Tensor flash_attention(const AttentionCall& call);
at::Tensor efficient_attention(const AttentionCall& call);
at::Tensor banded_attention(const AttentionCall& call);
// banded_attention where torch has no fused kernel with a mask: matrix products in float32, one key head
// after the other.
at::Tensor plain_banded_attention(const AttentionCall& call);

// Key j of the call is visible to query i: bool [queries, keys] for queries [begin, begin + count) and
// keys [first_key, first_key + num_keys).
at::Tensor visible_keys(const AttentionCall& call, int64_t begin, int64_t count, int64_t first_key,
                        int64_t num_keys);

}  // namespace qk_torch
