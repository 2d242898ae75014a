// Mean and variance of the score differences that a law of queries gives to pairs of keys.
#pragma once

#include <span>
#include <vector>

#include "plasticity/gaussian_law.h"
#include "stats/dense_products.h"

namespace qk {

struct ScoreMoments {
  std::vector<double> mean;      // [pairs]  w . mean
  std::vector<double> variance;  // [pairs]  w' covariance w
};

// differences  w = first key - second key, of every pair
// A variance that is rounding, at most 1e-13 |w|^2 (largest variance of a component), is 0, and so
// is then a mean of at most 1e-13 |w| |mean vector|.
ScoreMoments score_moments(const GaussianLaw& law, const VectorBlocks& differences);

// w' matrix w of every vector; only the lower half of matrix [depth, depth] is read.
void quadratic_forms(std::span<const double> matrix, const VectorBlocks& vectors,
                     std::span<double> out);

// w . direction of every vector.
void inner_products(std::span<const double> direction, const VectorBlocks& vectors,
                    std::span<double> out);

// Whether a vector is zero: a difference of two equal keys.
bool equal_keys(const VectorBlocks& differences, int64_t vector);

}  // namespace qk
