#include <algorithm>
#include <map>
#include <optional>

#include "plasticity/bucket_pair_walk.h"
#include "plasticity/dense_products.h"
#include "plasticity/method_replicates.h"
#include "plasticity/pair_kernels.h"
#include "plasticity/replicate_fit.h"
#include "plasticity/row_blocks.h"
#include "plasticity/score_moments.h"

namespace qk {
namespace {

// Mean position of the queries of every bucket in every replicate; NaN where it has none.
std::map<int64_t, std::vector<double>> mean_positions(const ReplicateInput& input) {
  const HeadTable& queries = input.head.queries;
  struct Sum {
    double positions = 0;
    double rows = 0;
  };
  std::map<int64_t, std::map<int64_t, Sum>> sums;  // bucket -> document
  for (size_t i = 0; i < queries.positions.size(); ++i) {
    Sum& sum = sums[queries.buckets[i]][input.documents.of_query[i]];
    sum.positions += static_cast<double>(queries.positions[i]);
    sum.rows += 1;
  }
  std::map<int64_t, std::vector<double>> out;
  for (const auto& [bucket, documents] : sums) {
    std::vector<double>& means = out[bucket];
    for (int64_t r = 0; r < input.counts.replicates(); ++r) {
      Sum all;
      for (const auto& [document, sum] : documents) {
        all.positions += input.counts.at(r, document) * sum.positions;
        all.rows += input.counts.at(r, document) * sum.rows;
      }
      means.push_back(all.rows > 0 ? all.positions / all.rows : kNotANumber);
    }
  }
  return out;
}

class LinearReplicates {
 public:
  explicit LinearReplicates(const ReplicateInput& input)
      : input_(input),
        is_full_(input.head.config.covariance == Covariance::kFull),
        fits_(input),
        positions_(mean_positions(input)),
        average_(input.counts) {
    if (!is_full_) {
      for (int64_t r = 0; r < input.counts.replicates(); ++r) {
        diagonals_.push_back(fits_.diagonal(r, input.head.config.compat_reference));
      }
    }
  }

  void take(const BucketPairDraw& draw) {
    if (draw.pairs.empty()) return;
    const HeadTable& keys = input_.head.keys;
    differences_.resize(draw.pairs.size() * static_cast<size_t>(keys.head_dim));
    subtract_keys(keys, draw.pairs, differences_);
    const auto pairs = static_cast<int64_t>(draw.pairs.size());
    means_.resize(static_cast<size_t>(pairs * input_.counts.replicates()));
    variances_.resize(means_.size());
    const std::vector<double>& times = positions_.at(draw.time.bucket);
    if (is_full_) {
      blocks_ = blocks_of(differences_, keys.head_dim);
      squares_.clear();
      for (int64_t n = 0; n < pairs; ++n) squares_.push_back(squared_length(n));
    }
    for (int64_t r = 0; r < input_.counts.replicates(); ++r) {
      const auto begin = static_cast<size_t>(r * pairs);
      const std::span<double> means = std::span(means_).subspan(begin, draw.pairs.size());
      const std::span<double> variances = std::span(variances_).subspan(begin, draw.pairs.size());
      project(r, times[static_cast<size_t>(r)], means, variances);
    }
    for (int64_t n = 0; n < pairs; ++n) {
      const auto first = static_cast<size_t>(draw.pairs[static_cast<size_t>(n)].first);
      average_.add_pair(input_.documents.of_key[first], means_.data() + n, variances_.data() + n,
                        pairs);
    }
    average_.end_cell();
  }

  PlasticityReplicates result() const { return average_.result(); }

 private:
  double squared_length(int64_t n) const {
    const auto d = static_cast<size_t>(input_.head.keys.head_dim);
    double out = 0;
    for (double w : std::span(differences_).subspan(static_cast<size_t>(n) * d, d)) out += w * w;
    return out;
  }

  void project(int64_t r, double position, std::span<double> means, std::span<double> variances) {
    const std::vector<double> mean = fits_.mean_at(r, position);
    if (!is_full_) {
      const RotatedDiagonal& law = diagonals_[static_cast<size_t>(r)];
      project_diagonal(differences_, mean, law.reflection, law.variance, means, variances);
      return;
    }
    const ResidualCovariance law = fits_.covariance(r);
    inner_products(mean, blocks_, means);
    quadratic_forms(law.matrix, blocks_, variances);
    for (size_t n = 0; n < variances.size(); ++n) {
      variances[n] = score_variance(variances[n], 1, squares_[n] * law.largest, squares_[n] == 0);
    }
  }

  const ReplicateInput& input_;
  bool is_full_;
  ReplicateFits fits_;
  std::map<int64_t, std::vector<double>> positions_;
  PlasticityAverage average_;
  std::vector<RotatedDiagonal> diagonals_;  // [replicates]; empty if is_full_
  std::vector<double> differences_;         // [pairs, head_dim]
  VectorBlocks blocks_;                     // the same
  std::vector<double> squares_;             // [pairs] |w|^2
  std::vector<double> means_;               // [replicates, pairs]
  std::vector<double> variances_;
};

}  // namespace

PlasticityReplicates linear_replicates(const ReplicateInput& input) {
  LinearReplicates replicates(input);
  for_each_bucket_pair(input.head, [&](const BucketPairDraw& draw) { replicates.take(draw); });
  return replicates.result();
}

}  // namespace qk
