// Bands of queries without a fused kernel, which run on GPUs only, against torch's kernel of the cpu with
// the same masks.
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <gtest/gtest.h>

#include <vector>

#include "torch/attention.h"

namespace qk_torch::attention_bands_test {
namespace {

AttentionCall call_of(const AttentionShape& shape, int64_t heads, int64_t key_heads,
                      c10::ScalarType type) {
  AttentionCall call;
  call.query = at::randn({shape.queries, heads, shape.head_dim}).to(type);
  call.key = at::randn({shape.keys, key_heads, shape.head_dim}).to(type);
  call.value = at::randn({shape.keys, key_heads, shape.head_dim}).to(type);
  call.first = shape.first;
  call.window = shape.window;
  call.causal = shape.causal;
  call.scale = 0.3;
  return call;
}

// With one mask of all queries and keys, in double precision.
at::Tensor expected(const AttentionCall& call) {
  const auto heads_first = [&](const at::Tensor& x) {
    return x.to(c10::ScalarType::Double).unsqueeze(0).transpose(1, 2);
  };
  const at::Tensor mask =
      visible_keys(call, 0, call.query.size(0), 0, call.key.size(0)).unsqueeze(0).unsqueeze(0);
  return at::scaled_dot_product_attention(heads_first(call.query), heads_first(call.key),
                                          heads_first(call.value), mask, 0.0, false, call.scale,
                                          /*enable_gqa=*/true)
      .transpose(1, 2)
      .squeeze(0);
}

void expect_equal(const AttentionShape& shape, int64_t heads, int64_t key_heads) {
  for (const auto type :
       {c10::ScalarType::Float, c10::ScalarType::Half, c10::ScalarType::BFloat16}) {
    const AttentionCall call = call_of(shape, heads, key_heads, type);
    const at::Tensor got = plain_banded_attention(call);
    ASSERT_EQ(got.sizes(), call.query.sizes());
    ASSERT_EQ(got.scalar_type(), type);
    const at::Tensor difference = at::abs(got.to(c10::ScalarType::Double) - expected(call)).max();
    const double worst = *difference.const_data_ptr<double>();
    // Values of the inputs are below 5: one rounding to the type, or sums in float32.
    const double unit = type == c10::ScalarType::Float  ? 1e-6
                        : type == c10::ScalarType::Half ? 0x1p-11
                                                        : 0x1p-8;
    EXPECT_LE(worst, 5 * unit) << shape.queries << " queries, window " << shape.window;
  }
}

TEST(PlainBands, OfEveryShape) {
  for (const int64_t window : {0, 1, 7, 60, 200}) {
    for (const bool causal : {true, false}) {
      expect_equal({100, 100, 0, 20, window, causal}, 6, 2);
      expect_equal({30, 100, 70, 16, window, causal}, 4, 4);
      if (!causal) expect_equal({30, 100, 20, 16, window, causal}, 7, 1);
    }
  }
  expect_equal({1, 1, 0, 8, 0, true}, 2, 1);
}

// More than 1,024 queries are several bands.
TEST(PlainBands, OfSeveralBands) {
  expect_equal({1500, 1500, 0, 16, 0, true}, 2, 1);
  expect_equal({2100, 2100, 0, 16, 90, true}, 2, 1);
  expect_equal({1300, 1300, 0, 16, 90, false}, 2, 1);
}

}  // namespace
}  // namespace qk_torch::attention_bands_test
