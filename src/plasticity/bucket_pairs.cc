#include "plasticity/bucket_pairs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "heads/pair_kernels.h"
#include "stats/normal_cdf.h"

namespace qk {
namespace {

// 4 p (1 - p) of each pair from the mean and variance of its scores.
class NormalPairs {
 public:
  NormalPairs(const PlasticityInput& input, QueryDistribution& queries)
      : input_(input), queries_(queries) {}

  void judge(const BucketPairDraw& draw, std::span<double> values) {
    differences_.resize(draw.pairs.size() * static_cast<size_t>(input_.keys.head_dim));
    means_.resize(draw.pairs.size());
    variances_.resize(draw.pairs.size());
    subtract_keys(input_.keys, draw.pairs, differences_);
    queries_.project(draw.time, differences_, means_, variances_);
    for (size_t n = 0; n < means_.size(); ++n) {
      means_[n] = variances_[n] > 0 ? means_[n] / std::sqrt(variances_[n]) : 0;
    }
    normal_cdf(means_, 1, means_);
    for (size_t n = 0; n < means_.size(); ++n) {
      values[n] = variances_[n] > 0 ? 4 * means_[n] * (1 - means_[n]) : kNotANumber;
    }
  }

 private:
  const PlasticityInput& input_;
  QueryDistribution& queries_;
  std::vector<double> differences_;
  std::vector<double> means_;
  std::vector<double> variances_;
};

// Rows of documents: their number, that of the documents, and as many of equal size.
BucketQueries count_documents(std::vector<int64_t>& ids) {
  std::sort(ids.begin(), ids.end());
  BucketQueries out{std::ssize(ids)};
  double squares = 0;
  for (auto it = ids.begin(); it != ids.end();) {
    const auto end = std::upper_bound(it, ids.end(), *it);
    const auto size = static_cast<double>(end - it);
    squares += size * size;
    ++out.documents;
    it = end;
  }
  const auto rows = static_cast<double>(out.rows);
  out.effective_documents = squares > 0 ? rows * rows / squares : 0;
  return out;
}

// The mean of the judged pairs' values, and what stands behind it.
BucketPlasticity summary_of(const HeadTable& keys, const BucketPairDraw& draw,
                            const BucketQueries& queries, std::span<const double> values) {
  BucketPlasticity out{draw.time.bucket, draw.k_bucket};
  out.queries = queries.rows;
  std::vector<int64_t> documents;
  double sum = 0;
  for (size_t n = 0; n < values.size(); ++n) {
    if (std::isnan(values[n])) continue;
    sum += values[n];
    ++out.pairs;
    documents.push_back(keys.example_ids[static_cast<size_t>(draw.pairs[n].first)]);
  }
  if (out.pairs == 0) return out;
  out.value = sum / static_cast<double>(out.pairs);
  const BucketQueries of_pairs = count_documents(documents);
  out.documents = std::min(queries.documents, of_pairs.documents);
  out.effective_documents = std::min(queries.effective_documents, of_pairs.effective_documents);
  return out;
}

}  // namespace

std::map<int64_t, BucketQueries> count_bucket_queries(const HeadTable& queries) {
  std::map<int64_t, std::vector<int64_t>> documents;
  for (size_t row = 0; row < queries.buckets.size(); ++row) {
    // Without ids every row is a document of its own.
    documents[queries.buckets[row]].push_back(
        queries.example_ids.empty() ? static_cast<int64_t>(row) : queries.example_ids[row]);
  }
  std::map<int64_t, BucketQueries> out;
  for (auto& [bucket, ids] : documents) out[bucket] = count_documents(ids);
  return out;
}

PlasticityResult average_bucket_pairs(const PlasticityInput& input, const JudgePairs& judge) {
  const std::map<int64_t, BucketQueries> queries = count_bucket_queries(input.queries);
  PlasticityResult out;
  std::vector<double> values;
  double sum = 0;
  int64_t count = 0;
  for_each_bucket_pair(input, [&](const BucketPairDraw& draw) {
    values.resize(draw.pairs.size());
    if (!values.empty()) judge(draw, values);
    const BucketPlasticity cell =
        summary_of(input.keys, draw, queries.at(draw.time.bucket), values);
    out.buckets.push_back(cell);
    if (std::isnan(cell.value)) return;
    sum += cell.value;
    ++count;
  });
  if (count > 0) out.ap_overall = sum / static_cast<double>(count);
  if (input.options.compat_reference) {
    out.num_passed_over =
        std::ranges::count_if(input.queries.buckets, [](int64_t bucket) { return bucket < 0; });
  }
  return out;
}

PlasticityResult measure_bucket_pairs(const PlasticityInput& input, QueryDistribution& queries) {
  NormalPairs pairs(input, queries);
  return average_bucket_pairs(input, [&](const BucketPairDraw& draw, std::span<double> values) {
    pairs.judge(draw, values);
  });
}

}  // namespace qk
