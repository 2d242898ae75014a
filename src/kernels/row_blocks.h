// Rows shared out over the pool in blocks of about the same work: for operations that pass over
// memory once.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/context.h"

namespace qk {

// body(begin, end) for blocks of rows that together are [0, rows), about 16k numbers each.
template <class Body>
void for_row_blocks(Context& context, int64_t rows, int64_t width, const Body& body) {
  const int64_t block = std::max<int64_t>(1, (int64_t{1} << 14) / std::max<int64_t>(1, width));
  const int64_t num_blocks = (rows + block - 1) / block;
  context.pool.parallel_for(num_blocks, [&](int64_t index, int /*thread*/) {
    body(index * block, std::min(rows, (index + 1) * block));
  });
}

}  // namespace qk
