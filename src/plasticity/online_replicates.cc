#include <cmath>

#include "heads/gathered_rows.h"
#include "heads/row_runs.h"
#include "plasticity/forgetting_law.h"
#include "plasticity/method_replicates.h"
#include "plasticity/online_method.h"
#include "plasticity/online_times.h"
#include "plasticity/score_moments.h"
#include "plasticity/score_replicates.h"

namespace qk {
namespace {

class OnlineReplicates {
 public:
  explicit OnlineReplicates(const ReplicateInput& input)
      : input_(input),
        options_(input.head.options.method_options),
        clock_(options_.online_clock, input.head.queries),
        alpha_(online_alpha(options_, input.head.queries,
                            position_origin(input.head.queries, input.head.keys))),
        average_(input.counts) {
    sorted_ = sorted_rows(input.head.queries.positions);
  }

  void take(const OnlineTime& time) {
    if (time.pairs.empty()) return;
    const WeightedQueries queries = seen_at(time.position);
    const double weight = queries.weight()[0];
    if (weight * weight < static_cast<double>(options_.min_queries) * queries.squared_weight()[0]) {
      return;
    }
    phantom_ = 0;
    if (options_.online_start == ForgettingStart::kZero) {
      phantom_ = kept_weight(alpha_, clock_.at(time.position)) / alpha_;
    }
    const HeadTable& keys = input_.head.keys;
    const VectorBlocks differences = difference_blocks(keys, time.pairs);
    std::vector<double> offsets(time.pairs.size());
    inner_products(queries.origin(), differences, offsets);
    queries.project(differences, means_, variances_);
    for (int64_t b = 0; b < differences.blocks(); ++b) {
      const int64_t begin = b * input_.counts.replicates() * kBlockWidth;
      const int64_t first = b * kBlockWidth;
      const int64_t count = std::min(kBlockWidth, differences.count - first);
      for (int64_t lane = 0; lane < count; ++lane) {
        const auto n = static_cast<size_t>(first + lane);
        finish_pair(queries, begin + lane, offsets[n], equal_keys(differences, first + lane));
        average_.enter_cell(time.q_bucket, later_bucket(keys, time.pairs[n]));
        average_.add_pair(input_.documents.of_key[static_cast<size_t>(time.pairs[n].first)],
                          means_.data() + begin + lane, variances_.data() + begin + lane,
                          kBlockWidth);
      }
    }
    average_.end_group();
  }

  PlasticityReplicates result() const { return average_.result(); }

 private:
  WeightedQueries seen_at(int64_t position) const {
    const HeadTable& table = input_.head.queries;
    std::vector<int64_t> rows;
    for (int64_t row : sorted_) {
      if (table.positions[static_cast<size_t>(row)] > position) break;
      rows.push_back(row);
    }
    RowsByDocument group = group_by_document(rows, input_.documents.of_query);
    const double now = clock_.at(position);
    std::vector<double> weights;
    weights.reserve(rows.size());
    for (int64_t row : group.rows) {
      weights.push_back(
          kept_weight(alpha_, now - clock_.at(table.positions[static_cast<size_t>(row)])));
    }
    return {table, std::move(group), std::move(weights), input_.counts};
  }

  // Sums over queries become mean and variance, in place. The zero query of
  // online_start: zero is at -offset, seen from the origin.
  void finish_pair(const WeightedQueries& queries, int64_t first, double offset, bool equal) {
    for (size_t r = 0; r < queries.weight().size(); ++r) {
      double& mean = means_[r * kBlockWidth + static_cast<size_t>(first)];
      double& variance = variances_[r * kBlockWidth + static_cast<size_t>(first)];
      const double weight = queries.weight()[r] + phantom_;
      if (weight <= 0) {
        variance = 0;  // nothing seen yet in the replicate
        continue;
      }
      mean -= phantom_ * offset;
      variance += phantom_ * offset * offset;
      const double scale = options_.online_start == ForgettingStart::kZero
                               ? 1 / weight
                               : unbiased_scale(weight, queries.squared_weight()[r]);
      variance = score_variance(variance - mean * mean / weight, scale, variance / weight, equal);
      mean = offset + mean / weight;
    }
  }

  const ReplicateInput& input_;
  const MethodOptions& options_;
  StepClock clock_;
  double alpha_;
  PlasticityAverage average_;
  std::vector<int64_t> sorted_;
  double phantom_ = 0;             // weight of the zero query now
  std::vector<double> means_;      // [blocks, replicates, kBlockWidth]
  std::vector<double> variances_;  // [blocks, replicates, kBlockWidth]
};

}  // namespace

PlasticityReplicates online_replicates(const ReplicateInput& input) {
  OnlineReplicates replicates(input);
  for (const OnlineTime& time :
       online_times(input.head.queries, input.head.keys, input.head.options.method_options,
                    input.head.options.num_pairs_per_bucket, input.head.seed)) {
    replicates.take(time);
  }
  return replicates.result();
}

}  // namespace qk
