#include <algorithm>

#include "base/error.h"
#include "plasticity/ks_test.h"

namespace qk {

// Within a cell of width 1 / n the distance above the diagonal is largest at the last number and
// the distance below at the first: each further number adds 1 / n and less than that is lost. So
// counts and extremes of the cells are enough and nothing is sorted.
double KsStatistic::operator()(std::span<const double> probabilities) {
  QK_CHECK(!probabilities.empty());
  const auto n = static_cast<double>(probabilities.size());
  cells_.assign(probabilities.size(), Cell{2, -1, 0});
  const size_t last = probabilities.size() - 1;
  for (const double p : probabilities) {
    Cell& cell = cells_[std::min(static_cast<size_t>(p * n), last)];
    cell.lowest = std::min(cell.lowest, p);
    cell.highest = std::max(cell.highest, p);
    ++cell.count;
  }
  double distance = 0;
  int64_t below = 0;
  for (const Cell& cell : cells_) {
    if (cell.count == 0) continue;
    distance = std::max(distance, cell.lowest - static_cast<double>(below) / n);
    below += cell.count;
    distance = std::max(distance, static_cast<double>(below) / n - cell.highest);
  }
  return distance;
}

}  // namespace qk
