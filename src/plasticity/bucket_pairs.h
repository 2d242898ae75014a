// Plasticity of every (query bucket, earlier key bucket): the loop that the bucket-wise methods
// share (docs/analysis.md, "Bucket pairs").
#pragma once

#include <span>

#include "plasticity/plasticity_input.h"
#include "plasticity/query_distribution.h"

namespace qk {

// For every bucket pair of for_each_bucket_pair(): asks `queries` for mean m and variance v of
// q . (k1 - k2) of the drawn key pairs, and averages 4 p (1 - p) with p = Phi(m / sqrt(v)) over the
// pairs with v > 0. ap_overall is the mean of the values that are not NaN.
PlasticityResult measure_bucket_pairs(const PlasticityInput& input, QueryDistribution& queries);

// Mean of 4 p (1 - p) over the pairs with a variance above 0; NaN if there is none. Overwrites
// `means`.
double mean_plasticity(std::span<double> means, std::span<const double> variances);

}  // namespace qk
