#include <map>
#include <numeric>
#include <span>
#include <vector>

#include "heads/gathered_rows.h"
#include "heads/pair_kernels.h"
#include "plasticity/bucket_pair_walk.h"
#include "plasticity/method_replicates.h"
#include "plasticity/replicate_fit.h"
#include "plasticity/score_moments.h"
#include "stats/dense_products.h"

namespace qk {
namespace {

// Mean position, relative to the fit's origin, of the queries of every bucket in every replicate;
// NaN where it has none.
std::map<int64_t, std::vector<double>> mean_positions(const ReplicateInput& input) {
  const HeadTable& queries = input.head.queries;
  struct Sum {
    double positions = 0;
    double rows = 0;
  };
  std::map<int64_t, std::map<int64_t, Sum>> sums;  // bucket -> document
  for (size_t i = 0; i < queries.positions.size(); ++i) {
    Sum& sum = sums[queries.buckets[i]][input.documents.of_query[i]];
    sum.positions += static_cast<double>(queries.positions[i] - input.head.fit.position_origin);
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

// Cells wait until there are enough pairs to make a replicate's covariance worth unpacking.
class LinearReplicates {
 public:
  explicit LinearReplicates(const ReplicateInput& input)
      : input_(input),
        is_full_(input.head.options.covariance == Covariance::kFull),
        fits_(input),
        positions_(mean_positions(input)),
        average_(input.counts) {}

  void take(const BucketPairDraw& draw) {
    if (draw.pairs.empty()) return;
    cells_.push_back({draw.time.bucket, draw.k_bucket, pairs_.size(), draw.pairs.size()});
    pairs_.insert(pairs_.end(), draw.pairs.begin(), draw.pairs.end());
    if (pairs_.size() >= kPairsAtOnce) judge_cells();
  }

  PlasticityReplicates result() {
    judge_cells();
    return average_.result();
  }

 private:
  static constexpr size_t kPairsAtOnce = 2048;

  struct Cell {
    int64_t q_bucket;
    int64_t k_bucket;
    size_t first;  // of pairs_
    size_t count;
  };

  void judge_cells() {
    if (pairs_.empty()) return;
    const auto d = static_cast<size_t>(input_.head.keys.head_dim);
    const auto replicates = static_cast<size_t>(input_.counts.replicates());
    differences_.resize(pairs_.size() * d);
    subtract_keys(input_.head.keys, pairs_, differences_);
    blocks_ = blocks_of(differences_, input_.head.keys.head_dim);
    squares_.clear();
    for (size_t n = 0; n < pairs_.size(); ++n) {
      const auto w = std::span(differences_).subspan(n * d, d);
      squares_.push_back(std::inner_product(w.begin(), w.end(), w.begin(), 0.0));
    }
    means_.resize(pairs_.size() * replicates);
    variances_.resize(means_.size());
    along_.resize(pairs_.size());
    for (size_t r = 0; r < replicates; ++r) {
      project(static_cast<int64_t>(r), std::span(means_).subspan(r * pairs_.size(), pairs_.size()),
              std::span(variances_).subspan(r * pairs_.size(), pairs_.size()));
    }
    const auto stride = static_cast<int64_t>(pairs_.size());
    for (const Cell& cell : cells_) {
      average_.enter_cell(cell.q_bucket, cell.k_bucket);
      for (size_t n = cell.first; n < cell.first + cell.count; ++n) {
        average_.add_pair(input_.documents.of_key[static_cast<size_t>(pairs_[n].first)],
                          means_.data() + n, variances_.data() + n, stride);
      }
      average_.end_group();
    }
    cells_.clear();
    pairs_.clear();
  }

  void project(int64_t r, std::span<double> means, std::span<double> variances) {
    const ReplicateLine& line = fits_.line(r);
    if (is_full_) {
      const ResidualCovariance law = fits_.covariance(r);
      inner_products(line.mean, blocks_, means);
      quadratic_forms(law.matrix, blocks_, variances);
      for (size_t n = 0; n < variances.size(); ++n) {
        variances[n] = score_variance(variances[n], 1, squares_[n] * law.largest, squares_[n] == 0);
      }
    } else {
      const RotatedDiagonal law = fits_.diagonal(r, input_.head.options.compat_reference);
      project_diagonal(differences_, line.mean, law.reflection, law.variance, means, variances);
    }
    inner_products(line.slope, blocks_, along_);
    for (const Cell& cell : cells_) {
      const double position = positions_.at(cell.q_bucket)[static_cast<size_t>(r)];
      for (size_t n = cell.first; n < cell.first + cell.count; ++n) {
        means[n] += along_[n] * (position - line.position);
      }
    }
  }

  const ReplicateInput& input_;
  bool is_full_;
  ReplicateFits fits_;
  std::map<int64_t, std::vector<double>> positions_;
  PlasticityAverage average_;
  std::vector<Cell> cells_;
  std::vector<KeyPair> pairs_;       // of all cells
  std::vector<double> differences_;  // [pairs, head_dim]
  VectorBlocks blocks_;              // the same
  std::vector<double> squares_;      // [pairs] |w|^2
  std::vector<double> along_;        // [pairs] w . slope
  std::vector<double> means_;        // [replicates, pairs]
  std::vector<double> variances_;
};

}  // namespace

PlasticityReplicates linear_replicates(const ReplicateInput& input) {
  LinearReplicates replicates(input);
  for_each_bucket_pair(input.head, [&](const BucketPairDraw& draw) { replicates.take(draw); });
  return replicates.result();
}

}  // namespace qk
