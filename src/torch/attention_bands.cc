// Attention for every shape: blocks of queries, each over the keys that it sees with a mask of bounded
// size. The query heads of one key head stand below each other, so that keys and values are not copied.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <limits>

#include "torch/attention.h"

namespace qk_torch {
namespace {

// Numbers in the mask of a band, or on a GPU in its scores: 32 MiB as float32.
constexpr int64_t kMostNumbers = int64_t{1} << 23;
constexpr int64_t kMostQueries = 1024;

struct Band {
  int64_t begin, count;         // queries
  int64_t first_key, num_keys;  // that one of them sees
};

Band keys_of(const AttentionCall& call, int64_t begin, int64_t count) {
  const int64_t first = call.first + begin, last = first + count - 1;
  int64_t from = 0, end = call.key.size(0);
  if (call.causal) end = std::min(end, last + 1);
  if (call.window > 0) {
    from = std::max<int64_t>(0, first - call.window + 1);
    if (!call.causal) end = std::min(end, last + call.window);
  }
  return {begin, count, from, end - from};
}

// Depends on the shape of the call alone.
int64_t queries_per_band(const AttentionCall& call) {
  const bool on_host = call.query.device().is_cpu();
  const int64_t rows_per_query = on_host ? call.query.size(1) / call.key.size(1)  // of the mask
                                         : call.query.size(1);                    // of the scores
  int64_t most_keys = call.key.size(0);
  if (call.window > 0) {
    most_keys = std::min(most_keys, (call.causal ? 1 : 2) * call.window + kMostQueries);
  }
  return std::clamp<int64_t>(kMostNumbers / (rows_per_query * most_keys), 1, kMostQueries);
}

// By matrix products in float32: nothing depends on which fused kernels there are.
at::Tensor plain_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const at::Tensor& mask, double scale) {
  at::Tensor scores = at::matmul(query.to(c10::ScalarType::Float) * scale,
                                 key.to(c10::ScalarType::Float).transpose(-2, -1));
  scores.masked_fill_(mask.logical_not(), -std::numeric_limits<float>::infinity());
  return at::matmul(at::softmax(scores, -1), value.to(c10::ScalarType::Float)).to(query.dtype());
}

at::Tensor one_band(const AttentionCall& call, const Band& band) {
  const int64_t key_heads = call.key.size(1), head_dim = call.query.size(2);
  const int64_t group = call.query.size(1) / key_heads;
  const at::Tensor query = call.query.narrow(0, band.begin, band.count)
                               .view({band.count, key_heads, group, head_dim})
                               .permute({1, 2, 0, 3})
                               .reshape({1, key_heads, group * band.count, head_dim});
  const at::Tensor key =
      call.key.narrow(0, band.first_key, band.num_keys).transpose(0, 1).unsqueeze(0);
  const at::Tensor value =
      call.value.narrow(0, band.first_key, band.num_keys).transpose(0, 1).unsqueeze(0);
  const at::Tensor mask = visible_keys(call, band.begin, band.count, band.first_key, band.num_keys)
                              .repeat({group, 1})
                              .view({1, 1, group * band.count, band.num_keys});
  const at::Tensor result =
      query.device().is_cpu()
          ? at::scaled_dot_product_attention(query, key, value, mask, 0.0, false, call.scale)
          : plain_attention(query, key, value, mask, call.scale);
  return result.reshape({key_heads, group, band.count, head_dim})
      .permute({2, 0, 1, 3})
      .reshape({band.count, key_heads * group, head_dim});
}

}  // namespace

at::Tensor visible_keys(const AttentionCall& call, int64_t begin, int64_t count, int64_t first_key,
                        int64_t num_keys) {
  const auto options = call.query.options().dtype(c10::ScalarType::Long);
  const int64_t first = call.first + begin;
  const at::Tensor query = at::arange(first, first + count, options).unsqueeze(1);
  const at::Tensor key = at::arange(first_key, first_key + num_keys, options).unsqueeze(0);
  at::Tensor visible = call.causal ? key.le(query) : query.ge(0).expand({count, num_keys});
  if (call.window > 0) {
    visible = visible.logical_and(key.gt(query - call.window));
    if (!call.causal) visible = visible.logical_and(key.lt(query + call.window));
  }
  return visible;
}

at::Tensor banded_attention(const AttentionCall& call) {
  at::Tensor out = at::empty_like(call.query);
  const int64_t queries = call.query.size(0), step = queries_per_band(call);
  for (int64_t begin = 0; begin < queries; begin += step) {
    const Band band = keys_of(call, begin, std::min(step, queries - begin));
    out.narrow(0, begin, band.count).copy_(one_band(call, band));
  }
  return out;
}

}  // namespace qk_torch
