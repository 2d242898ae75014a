// The Kolmogorov-Smirnov test against the standard normal: statistic and p-value (docs/analysis.md,
// "Normality tests").
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace qk {

// The largest distance between the distribution function of the sample and the diagonal, in time
// proportional to n. Threads: one at a time; keeps its memory for the next sample.
class KsStatistic {
 public:
  // probabilities [n]: Phi of the sample, any order, in [0, 1]. REQUIRES: n in [1, 2^32).
  double operator()(std::span<const double> probabilities);

 private:
  static constexpr size_t kCells = 8192;  // of equal width in [0, 1)

  static constexpr size_t kSmallSample = 1000;

  double sorted_distance(std::span<const double> probabilities, double n);
  double distance_at_borders(double n) const;
  void mark_cells(double n, double known);
  double distance_inside(std::span<const double> probabilities, double n);

  std::vector<uint32_t> counts_;     // [kCells + 1]
  std::vector<int64_t> first_rank_;  // [kCells + 1], numbers in the cells before
  std::vector<uint8_t> is_open_;     // [kCells + 1]
  std::vector<uint16_t> cell_of_;    // [n]
  std::vector<double> open_;         // numbers of the open cells
};

// P(D_n >= d) for a sample of n: the value that scipy.stats.kstest gives, approximations included,
// to 1e-11. NaN gives NaN. REQUIRES: n >= 1.
double ks_p_value(int64_t n, double d);

}  // namespace qk
