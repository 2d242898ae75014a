// The rows of one head that are measured, as columns. Row order is the order of the files, or of
// the draw if rows were subsampled.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace qk {

struct HeadTable {
  int64_t head_dim = 0;              // numbers in each vector
  std::vector<int64_t> positions;    // [rows], tokens
  std::vector<int64_t> buckets;      // [rows]
  std::vector<int64_t> example_ids;  // [rows], or empty: the files have no such column
  bool has_large_ids = false;        // some ids are 2^63 or more: all of them are here minus 2^63
  std::vector<float> vectors;        // [rows, head_dim], finite
  std::optional<int64_t> window;     // tokens; none: the head attends to everything before

  int64_t num_rows() const { return static_cast<int64_t>(positions.size()); }
  std::span<const float> vector(int64_t row) const {
    const auto dim = static_cast<size_t>(head_dim);
    return {vectors.data() + static_cast<size_t>(row) * dim, dim};
  }
};

// What positions count from where they are added up in float64, or where their size matters: 0, or,
// if all are 2^20 or more, the largest multiple below them of the smallest power of two above the
// distance between them. Relative to it they are as exact near 2^53 as near 0.
// REQUIRES: at least one row, no negative position.
int64_t position_origin(const HeadTable& table);
int64_t position_origin(const HeadTable& queries, const HeadTable& keys);  // of both together

// Multiplies component j of every vector by signs[j].
// REQUIRES: signs.size() == table.head_dim, every sign is 1 or -1.
void orient(HeadTable& table, std::span<const float> signs);

// The given rows in the given order; rows may repeat (a resample of documents).
// REQUIRES: every row is in [0, table.num_rows()).
HeadTable take_rows(const HeadTable& table, std::span<const int64_t> rows);

}  // namespace qk
