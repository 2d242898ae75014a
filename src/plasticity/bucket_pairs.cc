#include "plasticity/bucket_pairs.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "heads/pair_kernels.h"
#include "plasticity/bucket_pair_walk.h"
#include "stats/normal_cdf.h"

namespace qk {
namespace {

class BucketPairs {
 public:
  BucketPairs(const PlasticityInput& input, QueryDistribution& queries)
      : input_(input), queries_(queries) {}

  double measure(const BucketPairDraw& draw) {
    if (draw.pairs.empty()) return kNotANumber;
    differences_.resize(draw.pairs.size() * static_cast<size_t>(input_.keys.head_dim));
    means_.resize(draw.pairs.size());
    variances_.resize(draw.pairs.size());
    subtract_keys(input_.keys, draw.pairs, differences_);
    queries_.project(draw.time, differences_, means_, variances_);
    return mean_plasticity(means_, variances_);
  }

 private:
  const PlasticityInput& input_;
  QueryDistribution& queries_;
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
  for_each_bucket_pair(input, [&](const BucketPairDraw& draw) {
    const double value = pairs.measure(draw);
    out.buckets.push_back({draw.time.bucket, draw.k_bucket, value});
    if (std::isnan(value)) return;
    sum += value;
    ++count;
  });
  if (count > 0) out.ap_overall = sum / static_cast<double>(count);
  if (input.options.compat_reference) {
    out.num_passed_over =
        std::ranges::count_if(input.queries.buckets, [](int64_t bucket) { return bucket < 0; });
  }
  return out;
}

}  // namespace qk
