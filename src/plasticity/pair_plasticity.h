// How undecided a head is between two keys: docs/methods.md, "One pair of keys".
#pragma once

namespace qk {

// 4 p (1 - p) with p = P(score > 0) for a score difference that is Gaussian with this mean and
// variance: 1 if either key wins half of the time, 0 if one always does. A variance of 0 (or below:
// rounding) is a fixed score: 1 if the mean is 0, else 0. NaN in, NaN out.
double pair_plasticity(double mean, double variance);

}  // namespace qk
