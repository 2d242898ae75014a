// Where the cpu backend keeps keys and values, the same on every SIMD target. Per head:
//   keys    panels of kKeyPanel tokens, [panel][head_dim][kKeyPanel]: a column of numbers for every
//           component, which the score tiles broadcast from
//   values  [capacity][head_dim]
// All heads' keys come first, then all heads' values.
#pragma once

#include <cstdint>

#include "kernels/backend.h"

namespace qk {

inline constexpr int64_t kKeyPanel = 42;            // a multiple of the tile's 14 and 6 rows
inline constexpr int64_t kKeyTile = 4 * kKeyPanel;  // keys between two rescalings of the softmax

inline int64_t key_panels(int64_t tokens) { return (tokens + kKeyPanel - 1) / kKeyPanel; }

// The panel column of `token`: component c is at [c * kKeyPanel].
inline float* key_column(const KeyValueCache& cache, int64_t head, int64_t token) {
  const int64_t panel = head * key_panels(cache.capacity) + token / kKeyPanel;
  return cache.data + panel * cache.head_dim * kKeyPanel + token % kKeyPanel;
}

// The value row of `token`, [head_dim].
inline float* value_row(const KeyValueCache& cache, int64_t head, int64_t token) {
  const int64_t keys = cache.num_heads * key_panels(cache.capacity) * kKeyPanel;
  return cache.data + (keys + head * cache.capacity + token) * cache.head_dim;
}

}  // namespace qk
