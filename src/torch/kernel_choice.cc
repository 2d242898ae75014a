#include "torch/kernel_choice.h"

#include <algorithm>

namespace qk_torch {
namespace {

// Of cuDNN 9.15.0; older ones are wrong for lengths that are no multiple of 128.
constexpr int64_t kLastWrongCudnn = 91500;
constexpr int64_t kMostCudnnHeadDim = 128, kMostFlashHeadDim = 256;

bool is_whole(const AttentionShape& shape) {
  return shape.first == 0 && shape.queries == shape.keys;
}

// Whether the window hides a key that is not hidden anyway.
bool has_window(const AttentionShape& shape) {
  return shape.window > 0 && shape.window < shape.keys;
}

bool cudnn_serves(const DeviceFacts& facts, const AttentionShape& shape) {
  return facts.cudnn_version > kLastWrongCudnn &&
         (facts.capability_major == 9 || facts.capability_major == 10) &&
         shape.head_dim <= kMostCudnnHeadDim && shape.head_dim % 8 == 0 && !has_window(shape) &&
         is_whole(shape) && shape.keys > 1;  // torch refuses cuDNN for one key
}

// FlashAttention-2 counts windows from the last key: without causality that is the place of a query
// only if the queries are the last ones.
bool flash_serves(const DeviceFacts& facts, const AttentionShape& shape) {
  const bool exists = facts.is_hip || facts.capability_major >= 8;
  const bool counts_right =
      shape.causal || !has_window(shape) || shape.first + shape.queries == shape.keys;
  return exists && counts_right && shape.head_dim <= kMostFlashHeadDim;
}

bool efficient_serves(const DeviceFacts& facts, const AttentionShape& shape) {
  if (has_window(shape)) return false;
  return facts.type == QK_F32 || facts.type == QK_F16 || facts.is_hip ||
         facts.capability_major >= 8;
}

struct Sizes {
  int64_t query, keys_and_values, for_every_head, sums;
};

// Of arrays in the type, head_dim rounded up as kernels want it.
Sizes sizes_of(const DeviceFacts& facts, const AttentionShape& call, const QkScratch& shape) {
  const int64_t row = (call.head_dim + 7) / 8 * 8 * (facts.type == QK_F32 ? 4 : 2);
  return {call.queries * shape.num_attention_heads * row,
          2 * call.keys * shape.num_key_value_heads * row,
          2 * call.keys * shape.num_attention_heads * row,
          call.queries * shape.num_attention_heads * 4};
}

int64_t dispatched_bytes(const DeviceFacts& facts, const AttentionShape& call,
                         const QkScratch& shape) {
  const Sizes sizes = sizes_of(facts, call, shape);
  const bool grouped = shape.num_attention_heads != shape.num_key_value_heads;
  const int64_t scores = call.queries * call.keys;
  if (needs_mask(call)) {
    // Comparisons, and what the dispatcher makes of the mask in the type.
    const int64_t element = facts.type == QK_F32 ? 4 : 2;
    return scores * (3 + 2 * element) + (grouped ? sizes.for_every_head : 0);
  }
  // On a GPU in float32 no fused kernel takes grouped heads: scores of all heads, their softmax and a sum.
  const bool plain = !facts.on_host && facts.type == QK_F32 && grouped;
  return plain ? 3 * scores * shape.num_attention_heads * 4 + sizes.for_every_head : 0;
}

int64_t band_bytes(const DeviceFacts& facts, const AttentionShape& call, const QkScratch& shape) {
  // A mask, or scores, in several types at once.
  constexpr int64_t kBytesPerNumber = 16;
  const int64_t group = shape.num_attention_heads / std::max<int64_t>(1, shape.num_key_value_heads);
  const int64_t numbers = std::min(call.queries, kMostBandQueries) * call.keys * group;
  if (facts.on_host)
    return std::min(numbers, kMostMaskNumbers + group * call.keys) * kBytesPerNumber;
  const int64_t one_head = 2 * call.keys * call.head_dim * 4;  // keys and values as float32
  return std::min(numbers, kMostScores + group * call.keys) * kBytesPerNumber + one_head;
}

int64_t call_bytes(const DeviceFacts& facts, const AttentionShape& call, const QkScratch& shape) {
  const Sizes sizes = sizes_of(facts, call, shape);
  const bool grouped = shape.num_attention_heads != shape.num_key_value_heads;
  const bool padded = call.head_dim % 8 != 0;
  // The result, a copy in the layout of the kernel, one with padded heads.
  const int64_t always = 3 * sizes.query + sizes.sums;
  switch (choose_kernel(facts, call)) {
    case AttentionKernel::kDispatched:
      return always + dispatched_bytes(facts, call, shape);
    case AttentionKernel::kSdpa:
    case AttentionKernel::kCudnn:
      return always;
    case AttentionKernel::kFlash:
      return always + (padded ? sizes.keys_and_values : 0);
    case AttentionKernel::kEfficient:
      return always + (grouped ? sizes.for_every_head : 0) + (padded ? sizes.for_every_head : 0);
    case AttentionKernel::kBands:
      break;
  }
  return always + band_bytes(facts, call, shape);
}

}  // namespace

bool needs_mask(const AttentionShape& shape) {
  if (!shape.causal) return true;
  const bool whole = shape.queries == 1 || shape.queries == shape.keys;
  return !whole || (shape.window > 0 && shape.keys >= shape.window);
}

AttentionKernel choose_kernel(const DeviceFacts& facts, const AttentionShape& shape) {
  if (facts.dispatched_attention) return AttentionKernel::kDispatched;
  if (facts.on_host) {
    const bool plain = !has_window(shape) && (is_whole(shape) || !shape.causal);
    return plain ? AttentionKernel::kSdpa : AttentionKernel::kBands;
  }
  if (facts.type != QK_F32) {
    if (cudnn_serves(facts, shape)) return AttentionKernel::kCudnn;
    if (flash_serves(facts, shape)) return AttentionKernel::kFlash;
  }
  return efficient_serves(facts, shape) ? AttentionKernel::kEfficient : AttentionKernel::kBands;
}

std::string kernel_name(AttentionKernel kernel) {
  switch (kernel) {
    case AttentionKernel::kDispatched:
      return "chosen by torch";
    case AttentionKernel::kSdpa:
      return "torch's fused kernel of the cpu";
    case AttentionKernel::kCudnn:
      return "cuDNN";
    case AttentionKernel::kFlash:
      return "FlashAttention-2";
    case AttentionKernel::kEfficient:
      return "memory-efficient";
    case AttentionKernel::kBands:
      break;
  }
  return "bands of queries";
}

int64_t attention_scratch_bytes(const DeviceFacts& facts, const QkScratch& shape) {
  AttentionShape call = {.queries = std::min(shape.query_rows, shape.tokens),
                         .keys = shape.tokens,
                         .first = std::max<int64_t>(0, shape.tokens - shape.query_rows),
                         .head_dim = shape.head_dim,
                         .causal = shape.causal != 0};
  int64_t most = call_bytes(facts, call, shape);
  if (!call.causal && call.first > 0) {  // the first chunk of a bidirectional document
    call.first = 0;
    most = std::max(most, call_bytes(facts, call, shape));
  }
  call.window = shape.window;
  return std::max(most, call_bytes(facts, call, shape));
}

}  // namespace qk_torch
