// One call of one kernel each.
#include <ATen/ops/_efficient_attention_forward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/_scaled_dot_product_cudnn_attention.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <optional>
#include <tuple>

#include "torch/attention.h"

namespace qk_torch {
namespace {

// [tokens, heads, head_dim] as [1, heads, tokens, head_dim], and back
at::Tensor heads_first(const at::Tensor& x) { return x.unsqueeze(0).transpose(1, 2); }
at::Tensor tokens_first(const at::Tensor& x) { return x.transpose(1, 2).squeeze(0); }

// Keys or values for each of `heads` query heads, copied for real: kernels have been wrong about
// arrays that only look expanded.
at::Tensor repeated(const at::Tensor& x, int64_t heads) {
  const int64_t times = heads / x.size(1);
  if (times == 1) return x;
  return x.unsqueeze(2)
      .expand({x.size(0), x.size(1), times, x.size(2)})
      .reshape({x.size(0), heads, x.size(2)});
}

// head_dim to the next multiple of 8 with zeros, which change no product
at::Tensor padded(const at::Tensor& x) {
  const int64_t missing = (8 - x.size(-1) % 8) % 8;
  return missing == 0 ? x : at::constant_pad_nd(x, {0, missing}, 0);
}

}  // namespace

at::Tensor dispatched_attention(const AttentionCall& call) {
  const int64_t queries = call.query.size(0), keys = call.key.size(0);
  if (!needs_mask(call.shape())) {
    return tokens_first(at::scaled_dot_product_attention(
        heads_first(call.query), heads_first(call.key), heads_first(call.value), std::nullopt, 0.0,
        /*is_causal=*/queries > 1, call.scale, /*enable_gqa=*/true));
  }
  const at::Tensor mask = visible_keys(call, 0, queries, 0, keys).view({1, 1, queries, keys});
  const int64_t heads = call.query.size(1);
  return tokens_first(at::scaled_dot_product_attention(
      heads_first(call.query), heads_first(repeated(call.key, heads)),
      heads_first(repeated(call.value, heads)), mask, 0.0, /*is_causal=*/false, call.scale));
}

at::Tensor sdpa_attention(const AttentionCall& call) {
  const bool is_causal = call.causal && call.query.size(0) > 1;
  return tokens_first(at::scaled_dot_product_attention(
      heads_first(call.query), heads_first(call.key), heads_first(call.value), std::nullopt, 0.0,
      is_causal, call.scale, /*enable_gqa=*/true));
}

at::Tensor cudnn_attention(const AttentionCall& call) {
  const auto result = at::_scaled_dot_product_cudnn_attention(
      heads_first(call.query), heads_first(call.key), heads_first(call.value), std::nullopt,
      /*compute_log_sumexp=*/false, 0.0, call.causal, /*return_debug_mask=*/false, call.scale);
  return tokens_first(std::get<0>(result));
}

at::Tensor flash_attention(const AttentionCall& call) {
  const int64_t queries = call.query.size(0), keys = call.key.size(0);
  // Keys before and after a query that it sees; the kernel's causal rule counts from the last key.
  std::optional<int64_t> left, right;
  if (call.window > 0) {
    left = call.window - 1;
    right = call.causal ? 0 : call.window - 1;
  }
  const auto result = at::_flash_attention_forward(
      padded(call.query).unsqueeze(0), padded(call.key).unsqueeze(0),
      padded(call.value).unsqueeze(0), std::nullopt, std::nullopt, queries, keys, 0.0, call.causal,
      /*return_debug_mask=*/false, call.scale, left, right);
  return std::get<0>(result).squeeze(0).narrow(-1, 0, call.query.size(-1));
}

at::Tensor efficient_attention(const AttentionCall& call) {
  constexpr int64_t kNoMask = 0, kCausalFromLastKey = 2;
  const int64_t heads = call.query.size(1);
  const auto result = at::_efficient_attention_forward(
      padded(call.query).unsqueeze(0), padded(repeated(call.key, heads)).unsqueeze(0),
      padded(repeated(call.value, heads)).unsqueeze(0), std::nullopt, std::nullopt, std::nullopt,
      std::nullopt, std::nullopt, 0.0, call.causal ? kCausalFromLastKey : kNoMask,
      /*compute_log_sumexp=*/false, call.scale);
  return std::get<0>(result).squeeze(0).narrow(-1, 0, call.query.size(-1));
}

}  // namespace qk_torch
