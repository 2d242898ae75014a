#include "kernels/attention.h"

#include <algorithm>

#include "base/error.h"

namespace qk {

KeyRange visible_keys(const AttentionShape& shape, int64_t position) {
  KeyRange range{0, shape.causal ? position + 1 : shape.num_keys};
  if (shape.window > 0) {
    range.begin = std::max<int64_t>(0, position - shape.window + 1);
    range.end = std::min(range.end, position + shape.window);
  }
  return range;
}

void check_attention(TensorView<const float, 3> q, const QueryPositions& positions,
                     const KeyValueCache& cache, const AttentionShape& shape,
                     TensorView<float, 3> out) {
  QK_CHECK(q.shape() == out.shape() &&
           (positions.list.empty() || q.dim(0) == std::ssize(positions.list)));
  QK_CHECK(cache.num_heads > 0 && q.dim(1) % cache.num_heads == 0 && q.dim(2) == cache.head_dim);
  QK_CHECK(shape.window >= 0 && shape.num_keys <= cache.capacity);
  for (int64_t i = 0; i < q.dim(0); ++i) {
    QK_CHECK(0 <= positions[i] && positions[i] < shape.num_keys);
    QK_CHECK(i == 0 || positions[i - 1] <= positions[i]);
  }
}

}  // namespace qk
