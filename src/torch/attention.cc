#include "torch/attention.h"

#include <array>
#include <string>

#include "torch/errors.h"

namespace qk_torch {
namespace {

constexpr int64_t kAlignment = 64;
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
  return call.query.is_cpu() ? banded_attention(call) : plain_banded_attention(call);
}

}  // namespace

int64_t cache_part_bytes(c10::ScalarType type, int64_t tokens, int64_t num_heads,
                         int64_t head_dim) {
  const int64_t bytes =
      tokens * num_heads * head_dim * static_cast<int64_t>(c10::elementSize(type));
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
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
  view(device, out).copy_(run(choose_kernel(device.facts, call.shape()), call));
}

}  // namespace qk_torch
