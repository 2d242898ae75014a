// ap_overall in every bootstrap replicate, gathered pair by pair.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stats/dense_products.h"
#include "stats/group_spread.h"
#include "stats/resample_counts.h"

namespace qk {

struct PlasticityReplicates {
  std::vector<double> ap_overall;  // [replicates]; NaN where nothing could be compared
  EffectiveSize pairs;             // of the key pairs of the sample itself
};

// A cell is what is averaged first: a bucket pair, or a time. Its value in a replicate is the mean
// over its pairs, each as often as the replicate has the pair's document; ap_overall is the mean
// over the cells that have a value.
class PlasticityAverage {
 public:
  explicit PlasticityAverage(const ResampleCounts& counts);

  // A pair of the current cell. A variance that is not above 0, or a NaN: the pair cannot be
  // judged.
  //   means, variances  [replicates], `stride` apart
  void add_pair(int64_t document, const double* means, const double* variances, int64_t stride);
  // The end of a cell. Nothing happens if it has no pair.
  void end_cell();

  PlasticityReplicates result() const;

 private:
  const ResampleCounts& counts_;
  std::vector<double> cell_weight_;  // [replicates]
  std::vector<double> cell_sum_;
  std::vector<double> cells_;  // with a value
  std::vector<double> sum_;
  struct PairValue {
    int64_t document;
    double value;
  };
  std::vector<PairValue> cell_pairs_;  // of replicate 0
  GroupSpread spread_{1};
};

// A variance from sums. If it is at most 1e-13 of the mean square it is taken for rounding, that is
// for a score that never varies: the smallest positive number. `equal_keys`: always 0.
double score_variance(double scatter, double scale, double mean_square, bool equal_keys);

}  // namespace qk
