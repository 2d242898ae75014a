#include "plasticity/bucket_vectors.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

namespace qk {
namespace {

double length_of(std::span<const float> x) {
  constexpr size_t kLanes = 8;
  double sums[kLanes] = {};
  size_t j = 0;
  for (; j + kLanes <= x.size(); j += kLanes) {
    for (size_t k = 0; k < kLanes; ++k) {
      const double value = x[j + k];
      sums[k] += value * value;
    }
  }
  for (; j < x.size(); ++j) sums[0] += static_cast<double>(x[j]) * static_cast<double>(x[j]);
  double sum = 0;
  for (const double part : sums) sum += part;
  return std::sqrt(sum);
}

struct LengthSum {
  int64_t rows = 0;
  double lengths = 0;
  double projections = 0;
  double positions = 0;  // from their mean
  double squares = 0;
};

std::map<int64_t, LengthSum> length_sums(const HeadTable& table) {
  std::map<int64_t, LengthSum> out;
  LengthSum* sum = nullptr;
  for (size_t row = 0; row < table.buckets.size(); ++row) {
    if (row == 0 || table.buckets[row] != table.buckets[row - 1]) sum = &out[table.buckets[row]];
    ++sum->rows;
    sum->lengths += length_of(table.vector(static_cast<int64_t>(row)));
  }
  return out;
}

}  // namespace

std::vector<BucketVectors> bucket_vectors(const HeadTable& queries, const HeadTable& keys,
                                          const QueryFit& fit) {
  std::map<int64_t, LengthSum> sums = length_sums(queries);
  for (size_t row = 0; row < queries.buckets.size(); ++row) {
    LengthSum& sum = sums[queries.buckets[row]];
    sum.projections += fit.projections[row];
    sum.positions += fit.centered_positions[row];
  }
  for (size_t row = 0; row < queries.buckets.size(); ++row) {
    LengthSum& sum = sums[queries.buckets[row]];
    const double deviation = fit.projections[row] - sum.projections / static_cast<double>(sum.rows);
    sum.squares += deviation * deviation;
  }
  const std::map<int64_t, LengthSum> of_keys = length_sums(keys);
  std::vector<BucketVectors> out;
  for (const auto& [bucket, sum] : sums) {
    BucketVectors& row = out.emplace_back();
    const auto n = static_cast<double>(sum.rows);
    row.bucket = bucket;
    row.queries = sum.rows;
    row.q_norm = sum.lengths / n;
    if (fit.slope_norm > 0) {
      row.drift_mean = sum.projections / n;
      row.drift_line = fit.slope_norm * (sum.positions / n);
    }
    if (fit.slope_norm > 0 && sum.rows > 1) row.drift_sd = std::sqrt(sum.squares / (n - 1));
    const auto found = of_keys.find(bucket);
    if (found == of_keys.end()) continue;
    row.keys = found->second.rows;
    row.k_norm = found->second.lengths / static_cast<double>(row.keys);
  }
  return out;
}

}  // namespace qk
