// Attention for every shape: blocks of queries, each over the keys that it sees, with masks and scores of
// bounded size. The query heads of one key head stand below each other, so that keys and values are not
// copied for each of them.
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

// Depends on the shape of the call alone. most: numbers of one key head's query heads and a band's keys.
int64_t queries_per_band(const AttentionCall& call, int64_t most) {
  const int64_t group = call.query.size(1) / call.key.size(1);
  int64_t most_keys = call.key.size(0);
  if (call.window > 0) {
    most_keys = std::min(most_keys, (call.causal ? 1 : 2) * call.window + kMostBandQueries);
  }
  return std::clamp<int64_t>(most / (group * most_keys), 1, kMostBandQueries);
}

template <typename Function>
void for_each_band(const AttentionCall& call, int64_t most, const Function& function) {
  const int64_t queries = call.query.size(0), step = queries_per_band(call, most);
  for (int64_t begin = 0; begin < queries; begin += step) {
    function(keys_of(call, begin, std::min(step, queries - begin)));
  }
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
  return at::scaled_dot_product_attention(query, key, value, mask, 0.0, false, call.scale)
      .reshape({key_heads, group, band.count, head_dim})
      .permute({2, 0, 1, 3})
      .reshape({band.count, key_heads * group, head_dim});
}

// [count, group, head_dim] of the query heads of one key head
at::Tensor plain_band(const AttentionCall& call, const Band& band, const at::Tensor& visible,
                      int64_t key_head) {
  const int64_t group = call.query.size(1) / call.key.size(1);
  const auto of_head = [&](const at::Tensor& x) {
    return x.narrow(0, band.first_key, band.num_keys)
        .select(1, key_head)
        .to(c10::ScalarType::Float);
  };
  const at::Tensor query = call.query.narrow(0, band.begin, band.count)
                               .narrow(1, key_head * group, group)
                               .transpose(0, 1)
                               .to(c10::ScalarType::Float)
                               .reshape({group * band.count, call.query.size(2)});
  at::Tensor scores = at::matmul(query * call.scale, of_head(call.key).t());
  scores.view({group, band.count, band.num_keys})
      .masked_fill_(visible.logical_not(), -std::numeric_limits<float>::infinity());
  return at::matmul(at::softmax(scores, -1), of_head(call.value))
      .view({group, band.count, call.query.size(2)})
      .transpose(0, 1);
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
  for_each_band(call, kMostMaskNumbers, [&](const Band& band) {
    out.narrow(0, band.begin, band.count).copy_(one_band(call, band));
  });
  return out;
}

at::Tensor plain_banded_attention(const AttentionCall& call) {
  const int64_t key_heads = call.key.size(1), group = call.query.size(1) / key_heads;
  at::Tensor out = at::empty_like(call.query);
  for_each_band(call, kMostScores, [&](const Band& band) {
    const at::Tensor visible =
        visible_keys(call, band.begin, band.count, band.first_key, band.num_keys);
    for (int64_t head = 0; head < key_heads; ++head) {
      out.narrow(0, band.begin, band.count)
          .narrow(1, head * group, group)
          .copy_(plain_band(call, band, visible, head));
    }
  });
  return out;
}

}  // namespace qk_torch
