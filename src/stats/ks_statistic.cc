#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "stats/ks_test.h"

namespace qk {

// The counts of coarse cells bound the distance from both sides: at the borders it is known, and
// inside a cell it is at most the cell's width, or its part of the sample, more. Only the numbers
// of cells that could hold the largest distance are sorted.
double KsStatistic::operator()(std::span<const double> probabilities) {
  QK_CHECK(!probabilities.empty());
  const auto n = static_cast<double>(probabilities.size());
  if (probabilities.size() < kSmallSample) return sorted_distance(probabilities, n);
  counts_.assign(kCells + 1, 0);  // the last one is for 1
  cell_of_.resize(probabilities.size());
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const auto cell = static_cast<uint16_t>(probabilities[i] * kCells);
    cell_of_[i] = cell;
    ++counts_[cell];
  }
  const double known = distance_at_borders(n);
  mark_cells(n, known);
  return std::max(known, distance_inside(probabilities, n));
}

double KsStatistic::sorted_distance(std::span<const double> probabilities, double n) {
  open_.assign(probabilities.begin(), probabilities.end());
  std::sort(open_.begin(), open_.end());
  double distance = 0;
  double rank = 0;
  for (const double p : open_) {
    distance = std::max(distance, p - rank / n);
    rank += 1;
    distance = std::max(distance, rank / n - p);
  }
  return distance;
}

double KsStatistic::distance_at_borders(double n) const {
  double distance = 0;
  int64_t below = 0;
  for (size_t cell = 0; cell < kCells; ++cell) {
    distance = std::max(
        distance, std::abs(static_cast<double>(below) / n - static_cast<double>(cell) / kCells));
    below += counts_[cell];
  }
  return distance;
}

void KsStatistic::mark_cells(double n, double known) {
  is_open_.assign(kCells + 1, 0);
  first_rank_.assign(kCells + 1, 0);
  int64_t below = 0;
  for (size_t cell = 0; cell <= kCells; ++cell) {
    const double low = static_cast<double>(cell) / kCells;
    const double high = std::min(1.0, static_cast<double>(cell + 1) / kCells);
    first_rank_[cell] = below;
    const double above = high - static_cast<double>(below) / n;
    below += counts_[cell];
    const double under = static_cast<double>(below) / n - low;
    is_open_[cell] = counts_[cell] > 0 && std::max(above, under) >= known ? 1 : 0;
  }
}

double KsStatistic::distance_inside(std::span<const double> probabilities, double n) {
  open_.clear();
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (is_open_[cell_of_[i]] != 0) open_.emplace_back(probabilities[i]);
  }
  std::sort(open_.begin(), open_.end());
  double distance = 0;
  size_t previous = kCells + 1;
  int64_t rank = 0;
  for (const double p : open_) {
    const auto cell = static_cast<size_t>(p * kCells);
    rank = cell == previous ? rank + 1 : first_rank_[cell];
    previous = cell;
    distance = std::max(
        {distance, p - static_cast<double>(rank) / n, static_cast<double>(rank + 1) / n - p});
  }
  return distance;
}

}  // namespace qk
