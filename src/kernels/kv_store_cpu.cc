#include <algorithm>

#include "base/error.h"
#include "kernels/attention.h"
#include "kernels/kv_layout.h"

namespace qk {

int64_t kv_bytes_cpu(int64_t tokens, int64_t num_heads, int64_t head_dim) {
  const int64_t values = value_panels(head_dim) * value_width(head_dim) * tokens;
  const int64_t floats = num_heads * (head_dim * key_panels(tokens) * kKeyPanel + values);
  return floats * static_cast<int64_t>(sizeof(float));
}

namespace {

void store_key(const KeyValueCache& cache, int64_t head, int64_t token, const float* key) {
  float* column = key_column(cache, head, token);
  for (int64_t c = 0; c < cache.head_dim; ++c) column[c * kKeyPanel] = key[c];
}

void store_value(const KeyValueCache& cache, int64_t head, int64_t token, const float* value) {
  const int64_t width = value_width(cache.head_dim);
  for (int64_t c = 0; c < cache.head_dim; c += width) {
    std::copy_n(value + c, std::min(width, cache.head_dim - c),
                value_part(cache, head, c / width, token));
  }
}

}  // namespace

void kv_store_cpu(Context& context, const KeyValueCache& cache, int64_t first,
                  TensorView<const float, 3> k, TensorView<const float, 3> v) {
  QK_CHECK(k.shape() == v.shape() && k.dim(1) == cache.num_heads && k.dim(2) == cache.head_dim);
  QK_CHECK(0 <= first && first + k.dim(0) <= cache.capacity);
  const int64_t end = first + k.dim(0);
  const int64_t first_panel = first / kKeyPanel;
  // A task is one panel of tokens, so that no two threads write to the same panel.
  const int64_t num_tasks = k.dim(0) == 0 ? 0 : key_panels(end) - first_panel;
  context.pool.parallel_for(num_tasks, [&](int64_t index, int /*thread*/) {
    const int64_t panel_begin = (first_panel + index) * kKeyPanel;
    const int64_t last = std::min(end, panel_begin + kKeyPanel);
    for (int64_t token = std::max(first, panel_begin); token < last; ++token) {
      for (int64_t head = 0; head < cache.num_heads; ++head) {
        store_key(cache, head, token, k[token - first][head].data());
        store_value(cache, head, token, v[token - first][head].data());
      }
    }
  });
}

}  // namespace qk
