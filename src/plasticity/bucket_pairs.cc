#include "plasticity/bucket_pairs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "plasticity/normal_cdf.h"
#include "plasticity/pair_kernels.h"

namespace qk {
namespace {

// Mean position of the queries of each bucket, ascending.
std::vector<QueryTime> query_times(const HeadTable& queries) {
  struct Sum {
    double positions = 0;
    int64_t rows = 0;
  };
  std::map<int64_t, Sum> sums;
  for (size_t row = 0; row < queries.buckets.size(); ++row) {
    Sum& sum = sums[queries.buckets[row]];
    sum.positions += static_cast<double>(queries.positions[row]);
    ++sum.rows;
  }
  std::vector<QueryTime> out;
  for (const auto& [bucket, sum] : sums) {
    out.push_back({bucket, sum.positions / static_cast<double>(sum.rows)});
  }
  return out;
}

bool in_window(const PlasticityInput& input, int64_t q_bucket, int64_t k_bucket) {
  const auto window = input.queries.window;
  if (!window || *window <= 0) return true;
  if (input.config.compat_reference) return q_bucket - k_bucket <= *window;
  return input.ranges.reaches(q_bucket, k_bucket, *window);
}

class BucketPairs {
 public:
  BucketPairs(const PlasticityInput& input, QueryDistribution& queries)
      : input_(input), queries_(queries), generator_(input.seed) {}

  double measure(const QueryTime& time, size_t k_bucket_idx) {
    const int64_t max_pairs = input_.config.num_pairs_per_bucket;
    if (input_.config.compat_reference) {
      input_.key_groups.draw_with_repeats(k_bucket_idx, max_pairs, generator_, pairs_);
    } else {
      input_.key_groups.draw_distinct(k_bucket_idx, max_pairs, generator_, pairs_);
    }
    if (pairs_.empty()) return kNotANumber;
    differences_.resize(pairs_.size() * static_cast<size_t>(input_.keys.head_dim));
    means_.resize(pairs_.size());
    variances_.resize(pairs_.size());
    subtract_keys(input_.keys, pairs_, differences_);
    queries_.project(time, differences_, means_, variances_);
    return mean_plasticity(means_, variances_);
  }

 private:
  const PlasticityInput& input_;
  QueryDistribution& queries_;
  NumpyGenerator generator_;
  std::vector<KeyPair> pairs_;
  std::vector<double> differences_;
  std::vector<double> means_;
  std::vector<double> variances_;
};

}  // namespace

double mean_plasticity(std::span<double> means, std::span<const double> variances) {
  size_t count = 0;
  for (size_t n = 0; n < means.size(); ++n) {
    if (variances[n] > 0) means[count++] = means[n] / std::sqrt(variances[n]);
  }
  if (count == 0) return kNotANumber;
  const std::span<double> scores = means.first(count);
  normal_cdf(scores, 1, scores);
  double sum = 0;
  for (const double p : scores) sum += 4 * p * (1 - p);
  return sum / static_cast<double>(count);
}

PlasticityResult measure_bucket_pairs(const PlasticityInput& input, QueryDistribution& queries) {
  BucketPairs pairs(input, queries);
  PlasticityResult out;
  double sum = 0;
  int64_t count = 0;
  const std::span<const int64_t> k_buckets = input.key_groups.buckets();
  for (const QueryTime& time : query_times(input.queries)) {
    if (time.bucket <= 0) continue;
    for (size_t k = 0; k < k_buckets.size() && k_buckets[k] < time.bucket; ++k) {
      if (!in_window(input, time.bucket, k_buckets[k])) continue;
      const double value = pairs.measure(time, k);
      out.buckets.push_back({time.bucket, k_buckets[k], value});
      if (std::isnan(value)) continue;
      sum += value;
      ++count;
    }
  }
  if (count > 0) out.ap_overall = sum / static_cast<double>(count);
  return out;
}

}  // namespace qk
