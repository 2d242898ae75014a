// Attention over the keys of one document. One function per kernel; which one runs depends on the
// device, the type, head_dim and the shape of the call alone.
#pragma once

#include <cstdint>
#include <string>

#include "torch/device.h"

namespace qk_torch {

enum class AttentionKernel : uint8_t {
  kDispatched,  // torch's dispatcher, as transformers calls it
  kSdpa,        // cpu: torch's fused kernel without a mask
  kBands,       // blocks of queries with small masks: any shape
  kCudnn,       // half precision, whole documents without a window
  kFlash,       // FlashAttention-2: windows, and chunks of queries
  kEfficient,   // float32 on a GPU, without a window
};

struct AttentionCall {    // tokens are rows
  at::Tensor query;       // [queries, heads, head_dim]
  at::Tensor key, value;  // [keys, key heads, head_dim]: those that any query sees
  int64_t first = 0;      // position of the first query
  int64_t window = 0;
  double scale = 1;
  bool causal = true;
};

AttentionKernel choose_kernel(const QkDevice& device, const AttentionCall& call);
std::string kernel_name(AttentionKernel kernel);
// That full, causal layers of whole documents run.
AttentionKernel kernel_of_full_layers(const QkDevice& device, int64_t head_dim);

void kv_store(QkDevice& device, const QkCache& cache, int64_t first, const QkHeads& k,
              const QkHeads& v);
void attention(QkDevice& device, const QkHeads& q, const QkCache& cache, const QkAttention& shape,
               const QkHeads& out);

// Bytes of the keys, or the values, of a cache.
int64_t cache_part_bytes(c10::ScalarType type, int64_t tokens, int64_t num_heads, int64_t head_dim);
int64_t attention_scratch_bytes(bool gpu, int64_t element, const QkScratch& shape);

// Each returns [queries, heads, head_dim] (attention_kernels.cc, attention_bands.cc).
at::Tensor dispatched_attention(const AttentionCall& call);
at::Tensor sdpa_attention(const AttentionCall& call);
at::Tensor cudnn_attention(const AttentionCall& call);
at::Tensor flash_attention(const AttentionCall& call);
at::Tensor efficient_attention(const AttentionCall& call);
at::Tensor banded_attention(const AttentionCall& call);

// Key j of the call is visible to query i: bool [queries, keys] for queries [begin, begin + count) and
// keys [first_key, first_key + num_keys).
at::Tensor visible_keys(const AttentionCall& call, int64_t begin, int64_t count, int64_t first_key,
                        int64_t num_keys);

}  // namespace qk_torch
