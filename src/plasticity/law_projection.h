// The scores of key pairs under a law of queries, as the loop over bucket pairs needs them.
#pragma once

#include <span>

#include "plasticity/gaussian_law.h"

namespace qk {

// Mean and variance of q . w for each row w of differences [n, dim].
// A score that never varies (score_moments: variance 0) gets the smallest positive variance, so
// that its plasticity is 0, or 1 if its mean is 0 too; two equal keys keep the variance 0 and are
// left out, and so is everything if the law's covariance is not known (NaN).
void project_law(const GaussianLaw& law, std::span<const double> differences,
                 std::span<double> means, std::span<double> variances);

}  // namespace qk
