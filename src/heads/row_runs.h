// Rows sorted by one of their columns, and the runs of rows that are equal in it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace qk {

// The numbers 0 to column.size() - 1 in ascending order of their value in the column; rows of equal
// value keep their order.
std::vector<int64_t> sorted_rows(std::span<const int64_t> column);

// Rows of one value, a part of what sorted_rows() returned.
struct RowRun {
  int64_t value = 0;
  std::span<const int64_t> rows;
};
// The runs of `sorted`, ascending by value. REQUIRES: sorted is sorted_rows(column), and outlives
// the result.
std::vector<RowRun> row_runs(std::span<const int64_t> column, std::span<const int64_t> sorted);

}  // namespace qk
