// Plasticity of every (query bucket, earlier key bucket): the loop that the bucket-wise methods
// share (analysis.md 13 and 14).
#pragma once

#include <span>

#include "plasticity/plasticity_method.h"
#include "plasticity/query_distribution.h"

namespace qk {

// For every query bucket above 0 and every key bucket before it that the window reaches: draws up
// to options.num_pairs_per_bucket pairs of keys, asks `queries` for mean m and variance v of q .
// (k1
// - k2), and averages 4 p (1 - p) with p = Phi(m / sqrt(v)) over the pairs with v > 0. ap_overall
// is the mean of the values that are not NaN. compat: reference draws pairs with repeats and takes
// the window for a number of buckets.
PlasticityResult measure_bucket_pairs(const PlasticityInput& input, QueryDistribution& queries);

// Mean of 4 p (1 - p) over the pairs with a variance above 0; NaN if there is none. Overwrites
// `means`.
double mean_plasticity(std::span<double> means, std::span<const double> variances);

}  // namespace qk
