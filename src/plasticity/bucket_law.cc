#include "plasticity/bucket_law.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "heads/gathered_rows.h"
#include "plasticity/law_projection.h"

namespace qk {
namespace {

constexpr size_t kBucketRowsAtOnce = 512;

}  // namespace

BucketLaw::BucketLaw(const HeadTable& queries, int64_t min_queries)
    : queries_(queries),
      min_queries_(min_queries),
      sorted_(sorted_rows(queries.buckets)),
      buckets_(row_runs(queries.buckets, sorted_)) {
  QK_CHECK(min_queries >= 2);
}

MomentSums BucketLaw::sums_of(std::span<const int64_t> rows) const {
  // Relative to the first row: a component that never changes has no variance at all.
  const GatheredRows first(queries_, rows.first(1));
  MomentSums sums(first.view().flat());
  for (size_t begin = 0; begin < rows.size(); begin += kBucketRowsAtOnce) {
    const size_t count = std::min(kBucketRowsAtOnce, rows.size() - begin);
    sums.add(GatheredRows(queries_, rows.subspan(begin, count)).view());
  }
  return sums;
}

const std::vector<double>& BucketLaw::pooled_covariance() {
  if (!pooled_.empty()) return pooled_;
  const auto d = static_cast<size_t>(queries_.head_dim);
  pooled_.resize(d * d);
  for (const RowRun& bucket : buckets_) {
    const std::vector<double> scatter = sums_of(bucket.rows).scatter();
    for (size_t i = 0; i < pooled_.size(); ++i) pooled_[i] += scatter[i];
  }
  const int64_t freedom = queries_.num_rows() - static_cast<int64_t>(buckets_.size());
  const double scale =
      freedom > 0 ? 1 / static_cast<double>(freedom) : std::numeric_limits<double>::quiet_NaN();
  for (double& value : pooled_) value *= scale;
  return pooled_;
}

const GaussianLaw& BucketLaw::at(int64_t bucket) {
  if (current_ == bucket) return law_;
  const auto found = std::lower_bound(buckets_.begin(), buckets_.end(), bucket,
                                      [](const RowRun& run, int64_t b) { return run.value < b; });
  QK_CHECK(found != buckets_.end() && found->value == bucket);
  const MomentSums sums = sums_of(found->rows);
  law_.mean = sums.mean();
  if (has_own_covariance(found->rows)) {
    law_.covariance = sums.scatter();
    for (double& value : law_.covariance) value /= static_cast<double>(found->rows.size() - 1);
  } else {
    law_.covariance = pooled_covariance();
  }
  current_ = bucket;
  return law_;
}

void BucketLaw::project(const QueryTime& time, std::span<const double> differences,
                        std::span<double> means, std::span<double> variances) {
  project_law(at(time.bucket), differences, means, variances);
}

}  // namespace qk
