#include "heads/row_runs.h"

#include <algorithm>
#include <numeric>

namespace qk {

std::vector<int64_t> sorted_rows(std::span<const int64_t> column) {
  std::vector<int64_t> out(column.size());
  std::iota(out.begin(), out.end(), int64_t{0});
  std::stable_sort(out.begin(), out.end(), [&](int64_t a, int64_t b) {
    return column[static_cast<size_t>(a)] < column[static_cast<size_t>(b)];
  });
  return out;
}

std::vector<RowRun> row_runs(std::span<const int64_t> column, std::span<const int64_t> sorted) {
  std::vector<RowRun> out;
  size_t begin = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const int64_t value = column[static_cast<size_t>(sorted[i])];
    if (i + 1 < sorted.size() && column[static_cast<size_t>(sorted[i + 1])] == value) continue;
    out.push_back({value, sorted.subspan(begin, i + 1 - begin)});
    begin = i + 1;
  }
  return out;
}

}  // namespace qk
