// A method's plasticity in every replicate, gathered pair by pair.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "stats/dense_products.h"
#include "stats/group_spread.h"
#include "stats/resample_counts.h"

namespace qk {

// A row of head_bucket_plasticity.csv in every replicate.
struct CellReplicates {
  int64_t q_bucket = 0;
  int64_t k_bucket = 0;
  std::vector<double> values;  // [replicates]; NaN where nothing could be compared
};

struct PlasticityReplicates {
  std::vector<double> ap_overall;     // [replicates]; NaN where nothing could be compared
  std::vector<CellReplicates> cells;  // ascending by (q_bucket, k_bucket); those with a pair
  EffectiveSize pairs;                // of the key pairs of the sample itself
};

// A pair belongs to a cell of the table and to a group; a group is what ap_overall averages first:
// the cell itself, or for `online` a time. The value of either in a replicate is the mean over its
// pairs, each as often as the replicate has the pair's document; ap_overall is the mean over the
// groups that have a value.
class PlasticityAverage {
 public:
  explicit PlasticityAverage(const ResampleCounts& counts);

  // The cell of the pairs that follow.
  void enter_cell(int64_t q_bucket, int64_t k_bucket);
  // A pair of normal scores. A variance that is not above 0, or a NaN: the pair cannot be judged.
  //   means, variances  [replicates], `stride` apart
  void add_pair(int64_t document, const double* means, const double* variances, int64_t stride);
  // A pair whose plasticity is known. NaN: it cannot be judged.
  //   values  [replicates]
  void add_values(int64_t document, std::span<const double> values);
  // The end of a group. Nothing happens if it has no pair.
  void end_group();

  PlasticityReplicates result() const;

 private:
  struct Sums {
    std::vector<double> weight;  // [replicates]
    std::vector<double> sum;
  };

  const ResampleCounts& counts_;
  std::map<std::pair<int64_t, int64_t>, Sums> cells_;
  Sums* cell_ = nullptr;
  Sums group_;
  Sums groups_;                 // number of groups with a value, and sum of their values
  std::vector<double> values_;  // of the pair
  std::vector<double> scores_;  // the same, as z
  std::vector<size_t> judged_;  // replicates in which the pair has a z
  struct PairValue {
    int64_t document;
    double value;
  };
  std::vector<PairValue> group_pairs_;  // of replicate 0
  GroupSpread spread_{1};
};

// A variance from sums. If it is at most 1e-13 of the mean square it is taken for rounding, that is
// for a score that never varies: the smallest positive number. `equal_keys`: always 0.
double score_variance(double scatter, double scale, double mean_square, bool equal_keys);

}  // namespace qk
