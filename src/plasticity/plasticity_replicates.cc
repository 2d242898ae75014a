#include "plasticity/plasticity_replicates.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "stats/normal_cdf.h"

namespace qk {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

std::vector<double> quotients(const std::vector<double>& sums, const std::vector<double>& weights) {
  std::vector<double> out;
  out.reserve(sums.size());
  for (size_t r = 0; r < sums.size(); ++r) {
    out.push_back(weights[r] > 0 ? sums[r] / weights[r] : kNoValue);
  }
  return out;
}

}  // namespace

double score_variance(double scatter, double scale, double mean_square, bool equal_keys) {
  if (equal_keys) return 0;
  const double variance = scatter * scale;
  if (variance <= 1e-13 * mean_square) return std::numeric_limits<double>::min();
  return variance;
}

PlasticityAverage::PlasticityAverage(const ResampleCounts& counts) : counts_(counts) {
  const auto replicates = static_cast<size_t>(counts.replicates());
  for (Sums* sums : {&group_, &groups_}) {
    sums->weight.resize(replicates);
    sums->sum.resize(replicates);
  }
  values_.resize(replicates);
  scores_.resize(replicates);
}

void PlasticityAverage::enter_cell(int64_t q_bucket, int64_t k_bucket) {
  cell_ = &cells_[{q_bucket, k_bucket}];
  cell_->weight.resize(values_.size());
  cell_->sum.resize(values_.size());
}

void PlasticityAverage::add_pair(int64_t document, const double* means, const double* variances,
                                 int64_t stride) {
  judged_.clear();
  for (size_t r = 0; r < values_.size(); ++r) {
    values_[r] = kNoValue;
    const double mean = means[static_cast<int64_t>(r) * stride];
    const double variance = variances[static_cast<int64_t>(r) * stride];
    if (!(variance > 0) || std::isnan(mean)) continue;
    scores_[judged_.size()] = -std::abs(mean) / std::sqrt(variance);
    judged_.push_back(r);
  }
  const std::span<double> lower_tails = std::span(scores_).first(judged_.size());
  normal_cdf(lower_tails, 1, lower_tails);
  for (size_t i = 0; i < judged_.size(); ++i) {
    values_[judged_[i]] = 4 * lower_tails[i] * (1 - lower_tails[i]);
  }
  add_values(document, values_);
}

void PlasticityAverage::add_values(int64_t document, std::span<const double> values) {
  QK_CHECK(cell_ != nullptr && values.size() == values_.size());
  for (size_t r = 0; r < values.size(); ++r) {
    const double times = counts_.at(static_cast<int64_t>(r), document);
    if (times == 0 || std::isnan(values[r])) continue;
    for (Sums* sums : {cell_, &group_}) {
      sums->weight[r] += times;
      sums->sum[r] += times * values[r];
    }
    if (r == 0) group_pairs_.push_back({document, values[r]});
  }
}

void PlasticityAverage::end_group() {
  for (const PairValue& pair : group_pairs_) {
    const double moved = pair.value - group_.sum[0] / group_.weight[0];
    spread_.add(pair.document, &moved);
  }
  group_pairs_.clear();
  for (size_t r = 0; r < group_.sum.size(); ++r) {
    if (group_.weight[r] == 0) continue;
    groups_.sum[r] += group_.sum[r] / group_.weight[r];
    groups_.weight[r] += 1;
    group_.weight[r] = group_.sum[r] = 0;
  }
}

PlasticityReplicates PlasticityAverage::result() const {
  PlasticityReplicates out;
  out.ap_overall = quotients(groups_.sum, groups_.weight);
  for (const auto& [key, sums] : cells_) {
    out.cells.push_back({key.first, key.second, quotients(sums.sum, sums.weight)});
  }
  out.pairs = spread_.size();
  return out;
}

}  // namespace qk
