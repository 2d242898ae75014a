#include "plasticity/plasticity_replicates.h"

#include <cmath>
#include <limits>

#include "plasticity/pair_plasticity.h"

namespace qk {

double score_variance(double scatter, double scale, double mean_square, bool equal_keys) {
  if (equal_keys) return 0;
  const double variance = scatter * scale;
  if (variance <= 1e-13 * mean_square) return std::numeric_limits<double>::min();
  return variance;
}

PlasticityAverage::PlasticityAverage(const ResampleCounts& counts) : counts_(counts) {
  const auto replicates = static_cast<size_t>(counts.replicates());
  cell_weight_.resize(replicates);
  cell_sum_.resize(replicates);
  cells_.resize(replicates);
  sum_.resize(replicates);
}

void PlasticityAverage::add_pair(int64_t document, const double* means, const double* variances,
                                 int64_t stride) {
  for (size_t r = 0; r < sum_.size(); ++r) {
    const double times = counts_.at(static_cast<int64_t>(r), document);
    const double mean = means[static_cast<int64_t>(r) * stride];
    const double variance = variances[static_cast<int64_t>(r) * stride];
    if (times == 0 || !(variance > 0) || std::isnan(mean)) continue;
    const double value = pair_plasticity(mean, variance);
    cell_weight_[r] += times;
    cell_sum_[r] += times * value;
    if (r == 0) cell_pairs_.push_back({document, value});
  }
}

void PlasticityAverage::end_cell() {
  for (const PairValue& pair : cell_pairs_) {
    const double moved = pair.value - cell_sum_[0] / cell_weight_[0];
    spread_.add(pair.document, &moved);
  }
  cell_pairs_.clear();
  for (size_t r = 0; r < sum_.size(); ++r) {
    if (cell_weight_[r] == 0) continue;
    sum_[r] += cell_sum_[r] / cell_weight_[r];
    cells_[r] += 1;
    cell_weight_[r] = cell_sum_[r] = 0;
  }
}

PlasticityReplicates PlasticityAverage::result() const {
  PlasticityReplicates out;
  for (size_t r = 0; r < sum_.size(); ++r) {
    out.ap_overall.push_back(cells_[r] > 0 ? sum_[r] / cells_[r]
                                           : std::numeric_limits<double>::quiet_NaN());
  }
  out.pairs = spread_.size();
  return out;
}

}  // namespace qk
