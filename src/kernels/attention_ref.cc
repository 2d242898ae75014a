#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "kernels/attention.h"

namespace qk {
namespace {

// Keys [capacity, num_heads, head_dim], then values likewise.
float* key(const KeyValueCache& cache, int64_t token, int64_t head) {
  return static_cast<float*>(cache.data) + (token * cache.num_heads + head) * cache.head_dim;
}

float* value(const KeyValueCache& cache, int64_t token, int64_t head) {
  return key(cache, cache.capacity + token, head);
}

void attend(const float* q, const KeyValueCache& cache, int64_t head, KeyRange keys, double scale,
            float* out) {
  std::vector<double> weights;
  double largest = -HUGE_VAL;
  for (int64_t j = keys.begin; j < keys.end; ++j) {
    const float* k = key(cache, j, head);
    double dot = 0;
    for (int64_t c = 0; c < cache.head_dim; ++c) dot += double{q[c]} * k[c];
    weights.push_back(scale * dot);
    largest = std::max(largest, weights.back());
  }
  double total = 0;
  for (double& weight : weights) total += weight = std::exp(weight - largest);
  for (int64_t c = 0; c < cache.head_dim; ++c) {
    double sum = 0;
    for (int64_t j = keys.begin; j < keys.end; ++j) {
      sum += weights[j - keys.begin] * value(cache, j, head)[c];
    }
    out[c] = static_cast<float>(sum / total);
  }
}

}  // namespace

int64_t kv_bytes_ref(int64_t tokens, int64_t num_heads, int64_t head_dim) {
  return 2 * tokens * num_heads * head_dim * static_cast<int64_t>(sizeof(float));
}

void kv_store_ref(Context& /*context*/, const KeyValueCache& cache, int64_t first,
                  TensorView<const float, 3> k, TensorView<const float, 3> v) {
  QK_CHECK(k.shape() == v.shape() && k.dim(1) == cache.num_heads && k.dim(2) == cache.head_dim);
  QK_CHECK(0 <= first && first + k.dim(0) <= cache.capacity);
  std::copy_n(k.data(), k.size(), key(cache, first, 0));
  std::copy_n(v.data(), v.size(), value(cache, first, 0));
}

void attention_ref(Context& /*context*/, TensorView<const float, 3> q,
                   const QueryPositions& positions, const KeyValueCache& cache,
                   const AttentionShape& shape, TensorView<float, 3> out) {
  check_attention(q, positions, cache, shape, out);
  const int64_t group = q.dim(1) / cache.num_heads;
  for (int64_t i = 0; i < q.dim(0); ++i) {
    const KeyRange keys = visible_keys(shape, positions[i]);
    for (int64_t h = 0; h < q.dim(1); ++h) {
      attend(q[i][h].data(), cache, h / group, keys, double{shape.scale}, out[i][h].data());
    }
  }
}

}  // namespace qk
