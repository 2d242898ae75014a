// Where the cpu backend keeps keys and values, the same on every SIMD target. Both are operands
// that tiles broadcast number by number, so what a tile needs for one step is adjacent:
//   keys    panels of kKeyPanel tokens: [panel][head_dim][kKeyPanel]
//   values  panels of value_width(head_dim) components: [panel][capacity][value_width]
// per head; all heads' keys come first, then all heads' values.
#pragma once

#include <cstdint>

#include "kernels/backend.h"

namespace qk {

inline constexpr int64_t kKeyPanel = 42;            // a multiple of the tile's 14 and 6 rows
inline constexpr int64_t kKeyTile = 4 * kKeyPanel;  // keys between two rescalings of the softmax
inline constexpr int64_t kMostValueWidth = 14;

inline int64_t key_panels(int64_t tokens) { return (tokens + kKeyPanel - 1) / kKeyPanel; }

inline int64_t value_panels(int64_t head_dim) {
  return (head_dim + kMostValueWidth - 1) / kMostValueWidth;
}

// Components of a panel; the last one may have fewer.
inline int64_t value_width(int64_t head_dim) {
  const int64_t panels = value_panels(head_dim);
  return (head_dim + panels - 1) / panels;
}

// The panel column of `token`: component c is at [c * kKeyPanel].
inline float* key_column(const KeyValueCache& cache, int64_t head, int64_t token) {
  const int64_t panel = head * key_panels(cache.capacity) + token / kKeyPanel;
  return static_cast<float*>(cache.data) + panel * cache.head_dim * kKeyPanel + token % kKeyPanel;
}

// The numbers of `token` in one panel of values; the next token's are value_width further.
inline float* value_part(const KeyValueCache& cache, int64_t head, int64_t panel, int64_t token) {
  const int64_t keys = cache.num_heads * key_panels(cache.capacity) * kKeyPanel * cache.head_dim;
  const int64_t row = (head * value_panels(cache.head_dim) + panel) * cache.capacity + token;
  return static_cast<float*>(cache.data) + keys + row * value_width(cache.head_dim);
}

}  // namespace qk
