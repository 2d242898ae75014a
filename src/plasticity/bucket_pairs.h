// Plasticity of every (query bucket, earlier key bucket): the loop that the bucket-wise methods
// share (docs/analysis.md, "Bucket pairs").
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>

#include "plasticity/bucket_pair_walk.h"
#include "plasticity/plasticity_input.h"
#include "plasticity/query_distribution.h"

namespace qk {

// The queries of a bucket.
struct BucketQueries {
  int64_t rows = 0;
  int64_t documents = 0;
  double effective_documents = 0;  // documents of equal size that would weigh as evenly
};
std::map<int64_t, BucketQueries> count_bucket_queries(const HeadTable& queries);

// The plasticity of each drawn pair of a cell; NaN if it cannot be judged.
//   values  [draw.pairs.size()], at least one
using JudgePairs = std::function<void(const BucketPairDraw& draw, std::span<double> values)>;

// For every bucket pair of for_each_bucket_pair() the mean of what `judge` says, with the queries,
// pairs and documents behind it. ap_overall is the mean of the values that are not NaN.
PlasticityResult average_bucket_pairs(const PlasticityInput& input, const JudgePairs& judge);

// The same for a distribution of queries: 4 p (1 - p) with p = Phi(m / sqrt(v)), where m and v are
// mean and variance of q . (k1 - k2). A pair with v <= 0 cannot be judged.
PlasticityResult measure_bucket_pairs(const PlasticityInput& input, QueryDistribution& queries);

}  // namespace qk
