#include <optional>

#include "heads/gathered_rows.h"
#include "plasticity/bucket_law.h"
#include "plasticity/bucket_pair_walk.h"
#include "plasticity/forgetting_law.h"
#include "plasticity/method_replicates.h"
#include "plasticity/score_moments.h"
#include "plasticity/score_replicates.h"

namespace qk {
namespace {

class BucketReplicates {
 public:
  explicit BucketReplicates(const ReplicateInput& input)
      : input_(input),
        law_(input.head.queries, input.head.options.method_options.min_queries),
        average_(input.counts) {}

  void take(const BucketPairDraw& draw) {
    if (draw.pairs.empty()) return;
    if (draw.time.bucket != bucket_) enter(draw.time.bucket);
    average_.enter_cell(draw.time.bucket, draw.k_bucket);
    const HeadTable& keys = input_.head.keys;
    const VectorBlocks differences = difference_blocks(keys, draw.pairs);
    held_.assign(draw.pairs.size(), 0.0);
    if (!own_covariance_) quadratic_forms(law_.pooled_covariance(), differences, held_);
    std::vector<double> offsets(draw.pairs.size());
    inner_products(queries_->origin(), differences, offsets);
    queries_->project(differences, means_, variances_);
    for (int64_t b = 0; b < differences.blocks(); ++b) {
      const int64_t begin = b * input_.counts.replicates() * kBlockWidth;
      const int64_t first = b * kBlockWidth;
      const int64_t count = std::min(kBlockWidth, differences.count - first);
      for (int64_t lane = 0; lane < count; ++lane) {
        const auto n = static_cast<size_t>(first + lane);
        finish_pair(begin + lane, offsets[n], held_[n], equal_keys(differences, first + lane));
        average_.add_pair(input_.documents.of_key[static_cast<size_t>(draw.pairs[n].first)],
                          means_.data() + begin + lane, variances_.data() + begin + lane,
                          kBlockWidth);
      }
    }
    average_.end_group();
  }

  PlasticityReplicates result() const { return average_.result(); }

 private:
  void enter(int64_t bucket) {
    bucket_ = bucket;
    for (const RowRun& run : law_.buckets()) {
      if (run.value != bucket) continue;
      own_covariance_ = law_.has_own_covariance(run.rows);
      queries_.emplace(input_.head.queries, group_by_document(run.rows, input_.documents.of_query),
                       std::vector<double>(run.rows.size(), 1.0), input_.counts);
    }
  }

  // Sums over queries become mean and variance, in place.
  void finish_pair(int64_t first, double offset, double held, bool equal) {
    for (size_t r = 0; r < queries_->weight().size(); ++r) {
      double& mean = means_[r * kBlockWidth + static_cast<size_t>(first)];
      double& variance = variances_[r * kBlockWidth + static_cast<size_t>(first)];
      const double weight = queries_->weight()[r];
      const double scale = own_covariance_ ? unbiased_scale(weight, weight) : 1;
      if (weight <= 0) {
        variance = 0;  // the bucket is not in the replicate
        continue;
      }
      const double scatter = own_covariance_ ? variance - mean * mean / weight : held;
      variance = score_variance(scatter, scale, own_covariance_ ? variance / weight : held, equal);
      mean = offset + mean / weight;
    }
  }

  const ReplicateInput& input_;
  BucketLaw law_;
  PlasticityAverage average_;
  std::optional<int64_t> bucket_;
  bool own_covariance_ = true;
  std::optional<WeightedQueries> queries_;
  std::vector<double> held_;
  std::vector<double> means_;      // [blocks, replicates, kBlockWidth]
  std::vector<double> variances_;  // [blocks, replicates, kBlockWidth]
};

}  // namespace

PlasticityReplicates bucket_replicates(const ReplicateInput& input) {
  BucketReplicates replicates(input);
  for_each_bucket_pair(input.head, [&](const BucketPairDraw& draw) { replicates.take(draw); });
  return replicates.result();
}

}  // namespace qk
