#include "plasticity/bucket_pair_walk.h"

#include <map>
#include <vector>

#include "random/numpy_rng.h"

namespace qk {
namespace {

// Mean position of the queries of each bucket, ascending.
std::vector<QueryTime> query_times(const HeadTable& queries, int64_t origin) {
  struct Sum {
    double positions = 0;
    int64_t rows = 0;
  };
  std::map<int64_t, Sum> sums;
  for (size_t row = 0; row < queries.buckets.size(); ++row) {
    Sum& sum = sums[queries.buckets[row]];
    sum.positions += static_cast<double>(queries.positions[row] - origin);
    ++sum.rows;
  }
  std::vector<QueryTime> out;
  out.reserve(sums.size());
  for (const auto& [bucket, sum] : sums) {
    out.push_back({bucket, sum.positions / static_cast<double>(sum.rows)});
  }
  return out;
}

bool in_window(const PlasticityInput& input, int64_t q_bucket, int64_t k_bucket) {
  const auto window = input.queries.window;
  if (!window || *window <= 0) return true;
  if (input.options.compat_reference) {  // A-1 in docs/analysis.md
    int64_t distance = 0;
    return !__builtin_sub_overflow(q_bucket, k_bucket, &distance) && distance <= *window;
  }
  return input.ranges.reaches(q_bucket, k_bucket, *window);
}

}  // namespace

void for_each_bucket_pair(const PlasticityInput& input,
                          const std::function<void(const BucketPairDraw&)>& visit) {
  const int64_t max_pairs = input.options.num_pairs_per_bucket;
  const std::span<const int64_t> k_buckets = input.key_groups.buckets();
  NumpyGenerator generator(input.seed);
  std::vector<KeyPair> pairs;
  for (const QueryTime& time : query_times(input.queries, input.fit.position_origin)) {
    if (input.options.compat_reference && time.bucket <= 0) continue;
    for (size_t k = 0; k < k_buckets.size() && k_buckets[k] < time.bucket; ++k) {
      if (!in_window(input, time.bucket, k_buckets[k])) continue;
      if (input.options.compat_reference) {
        input.key_groups.draw_with_repeats(k, max_pairs, generator, pairs);
      } else {
        input.key_groups.draw_distinct(k, max_pairs, generator, pairs);
      }
      visit({time, k_buckets[k], pairs});
    }
  }
}

}  // namespace qk
