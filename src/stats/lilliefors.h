// The Kolmogorov-Smirnov test for a normal sample whose mean and deviation were estimated from
// itself.
#pragma once

#include <cstdint>

namespace qk {

// P(D >= d) for a normal sample of n, standardised with its own mean and deviation (n - 1).
// REQUIRES: n >= 3.
double lilliefors_p_value(int64_t n, double d);

// The mean of D for such samples, within 1e-3 of itself. REQUIRES: n >= 3.
double lilliefors_mean_distance(int64_t n);

}  // namespace qk
