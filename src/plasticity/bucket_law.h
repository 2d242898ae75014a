// The method `bucket`: docs/methods.md.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "heads/head_table.h"
#include "heads/row_runs.h"
#include "plasticity/gaussian_law.h"
#include "plasticity/query_distribution.h"

namespace qk {

// Mean and covariance (divided by rows - 1) of the queries of the bucket. Buckets of fewer than
// min_queries rows keep their own mean and take the covariance within buckets, pooled over all
// buckets: their scatters added, divided by rows - buckets. NaN if that leaves no degree of
// freedom.
class BucketLaw final : public QueryDistribution {
 public:
  // `queries` must outlive the law. REQUIRES: min_queries >= 2.
  BucketLaw(const HeadTable& queries, int64_t min_queries);

  void project(const QueryTime& time, std::span<const double> differences, std::span<double> means,
               std::span<double> variances) override;

  // The law of one bucket. REQUIRES: the bucket occurs.
  const GaussianLaw& at(int64_t bucket);
  // Covariance within buckets, pooled over all, [head_dim, head_dim], j <= i.
  const std::vector<double>& pooled_covariance();

  // Whether the bucket's rows are enough for a covariance of its own.
  bool has_own_covariance(std::span<const int64_t> rows) const {
    return static_cast<int64_t>(rows.size()) >= min_queries_;
  }
  // All buckets, ascending, with their rows.
  const std::vector<RowRun>& buckets() const { return buckets_; }

 private:
  MomentSums sums_of(std::span<const int64_t> rows) const;

  const HeadTable& queries_;
  int64_t min_queries_;
  std::vector<int64_t> sorted_;
  std::vector<RowRun> buckets_;
  std::optional<int64_t> current_;  // bucket of law_
  GaussianLaw law_;
  std::vector<double> pooled_;  // empty: not yet computed
};

}  // namespace qk
