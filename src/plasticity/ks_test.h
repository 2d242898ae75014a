// The Kolmogorov-Smirnov test against the standard normal: statistic and p-value (analysis.md 12).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace qk {

// The largest distance between the distribution function of the sample and the diagonal, in time
// proportional to n. Threads: one at a time; keeps its memory for the next sample.
class KsStatistic {
 public:
  // probabilities [n]: Phi of the sample, any order, in [0, 1]. REQUIRES: n >= 1.
  double operator()(std::span<const double> probabilities);

 private:
  struct Cell {  // of the n cells [k / n, (k + 1) / n)
    double lowest;
    double highest;
    int64_t count;
  };
  std::vector<Cell> cells_;
};

// P(D_n >= d) for a sample of n: the value that scipy.stats.kstest gives, approximations included,
// to 1e-11. NaN gives NaN. REQUIRES: n >= 1.
double ks_p_value(int64_t n, double d);

}  // namespace qk
