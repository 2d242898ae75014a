#include "torch/attention.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <string>

#include "torch/errors.h"

namespace qk_torch {
namespace {

constexpr int64_t kAlignment = 64;
// Of cuDNN 9.15.0; older ones are wrong for lengths that are no multiple of 128.
constexpr int64_t kLastWrongCudnn = 91500;
constexpr int64_t kMostCudnnHeadDim = 128, kMostFlashHeadDim = 256;
// What a band takes for its mask and scores, in several types at once.
constexpr int64_t kMostBandBytes = int64_t{256} << 20;
constexpr int64_t kBandBytesPerScore = 16;

struct CacheViews {
  at::Tensor keys, values;  // [capacity, num_heads, head_dim]
};

CacheViews views_of(const QkDevice& device, const QkCache& cache) {
  const int64_t bytes =
      cache_part_bytes(device.type, cache.capacity, cache.num_heads, cache.head_dim);
  const std::array<int64_t, 3> sizes{cache.capacity, cache.num_heads, cache.head_dim};
  return {tensor_over(device, cache.data, sizes),
          tensor_over(device, static_cast<char*>(cache.data) + bytes, sizes)};
}

AttentionKernel half_precision_kernel(const QkDevice& device, const AttentionCall& call) {
  const int64_t head_dim = call.query.size(2);
  const DeviceFacts& facts = device.facts;
  const bool whole = call.first == 0 && call.query.size(0) == call.key.size(0);
  if (facts.cudnn_version > kLastWrongCudnn && head_dim <= kMostCudnnHeadDim && head_dim % 8 == 0 &&
      call.window == 0 && whole && (facts.capability_major == 9 || facts.capability_major == 10)) {
    return AttentionKernel::kCudnn;
  }
  const bool has_flash = facts.is_hip || facts.capability_major >= 8;
  return has_flash && head_dim <= kMostFlashHeadDim ? AttentionKernel::kFlash
                                                    : AttentionKernel::kBands;
}

void check_shape(const QkHeads& q, const QkCache& cache, const QkAttention& shape) {
  if (shape.num_keys > cache.capacity || shape.first < 0 || shape.first + q.rows > shape.num_keys) {
    throw Failure("queries " + std::to_string(shape.first) + " to " +
                  std::to_string(shape.first + q.rows) + " of " + std::to_string(shape.num_keys) +
                  " keys in a cache of " + std::to_string(cache.capacity));
  }
  if (cache.num_heads <= 0 || q.heads % cache.num_heads != 0 || q.head_dim != cache.head_dim) {
    throw Failure("queries of " + std::to_string(q.heads) + " heads of " +
                  std::to_string(q.head_dim) + " do not fit keys of " +
                  std::to_string(cache.num_heads) + " heads of " + std::to_string(cache.head_dim));
  }
}

at::Tensor run(AttentionKernel kernel, const AttentionCall& call) {
  switch (kernel) {
    case AttentionKernel::kDispatched:
      return dispatched_attention(call);
    case AttentionKernel::kSdpa:
      return sdpa_attention(call);
    case AttentionKernel::kCudnn:
      return cudnn_attention(call);
    case AttentionKernel::kFlash:
      return flash_attention(call);
    case AttentionKernel::kEfficient:
      return efficient_attention(call);
    case AttentionKernel::kBands:
      break;
  }
  return banded_attention(call);
}

}  // namespace

AttentionKernel choose_kernel(const QkDevice& device, const AttentionCall& call) {
  if (device.dispatched_attention) return AttentionKernel::kDispatched;
  const bool whole = call.first == 0 && call.query.size(0) == call.key.size(0);
  const bool windowed = call.window > 0 && call.window < call.key.size(0);
  if (device.on_host()) {
    return !windowed && (whole || !call.causal) ? AttentionKernel::kSdpa : AttentionKernel::kBands;
  }
  if (device.type == c10::ScalarType::Float) {
    return windowed ? AttentionKernel::kBands : AttentionKernel::kEfficient;
  }
  return half_precision_kernel(device, call);
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

AttentionKernel kernel_of_full_layers(const QkDevice& device, int64_t head_dim) {
  AttentionCall call;
  call.query = call.key = call.value = at::empty({2, 1, head_dim}, device.options());
  return choose_kernel(device, call);
}

int64_t cache_part_bytes(c10::ScalarType type, int64_t tokens, int64_t num_heads,
                         int64_t head_dim) {
  const int64_t bytes =
      tokens * num_heads * head_dim * static_cast<int64_t>(c10::elementSize(type));
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

int64_t attention_scratch_bytes(bool gpu, int64_t element, const QkScratch& shape) {
  const int64_t query = shape.query_rows * shape.num_attention_heads * shape.head_dim * element;
  const int64_t keys = shape.tokens * shape.num_attention_heads * shape.head_dim * element;
  const int64_t sums = shape.query_rows * shape.num_attention_heads * 4;
  // The result, a copy in the layout of the kernel, padded heads; keys and values of every query head
  // where the kernel wants them so.
  const bool expanded = gpu && element == 4;
  const int64_t band = std::min(kMostBandBytes, shape.query_rows * shape.tokens *
                                                    shape.num_attention_heads * kBandBytesPerScore);
  return 3 * query + sums + band + (expanded ? 2 * keys : 0);
}

void kv_store(QkDevice& device, const QkCache& cache, int64_t first, const QkHeads& k,
              const QkHeads& v) {
  if (first < 0 || first + k.rows > cache.capacity) {
    throw Failure("tokens " + std::to_string(first) + " to " + std::to_string(first + k.rows) +
                  " do not fit a cache of " + std::to_string(cache.capacity));
  }
  if (k.rows == 0) return;
  const CacheViews views = views_of(device, cache);
  views.keys.narrow(0, first, k.rows).copy_(view(device, k));
  views.values.narrow(0, first, v.rows).copy_(view(device, v));
}

void attention(QkDevice& device, const QkHeads& q, const QkCache& cache, const QkAttention& shape,
               const QkHeads& out) {
  check_shape(q, cache, shape);
  if (q.rows == 0) return;
  const CacheViews views = views_of(device, cache);
  // No query of a causal call sees a key behind the last query.
  const int64_t keys = shape.causal != 0 ? shape.first + q.rows : shape.num_keys;
  AttentionCall call;
  call.query = view(device, q);
  call.key = views.keys.narrow(0, 0, keys);
  call.value = views.values.narrow(0, 0, keys);
  call.first = shape.first;
  call.window = shape.window;
  call.scale = shape.scale;
  call.causal = shape.causal != 0;
  view(device, out).copy_(run(choose_kernel(device, call), call));
}

}  // namespace qk_torch
