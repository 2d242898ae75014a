// Rows of a table in double precision: one after another, or side by side in blocks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/tensor.h"
#include "heads/head_table.h"
#include "heads/key_groups.h"
#include "stats/dense_products.h"

namespace qk {

// The vectors of the given rows minus origin (empty: nothing is subtracted), [rows, head_dim].
class GatheredRows {
 public:
  GatheredRows(const HeadTable& table, std::span<const int64_t> rows,
               std::span<const double> origin = {});

  TensorView<const double, 2> view() const { return {values_.data(), {rows_, dim_}}; }

 private:
  int64_t rows_;
  int64_t dim_;
  std::vector<double> values_;
};

// Rows [count, dim] side by side.
VectorBlocks blocks_of(std::span<const double> rows, int64_t dim);

// First key minus second key of every pair, side by side.
VectorBlocks difference_blocks(const HeadTable& keys, std::span<const KeyPair> pairs);

}  // namespace qk
