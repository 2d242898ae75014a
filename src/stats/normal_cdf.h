// The distribution function of the standard normal. Threads: safe.
#pragma once

#include <span>

namespace qk {

// erfc(-x / sqrt(2)) / 2, one number, as exact as the C library's erfc.
double normal_cdf(double x);

// The same for many numbers: out[i] = Phi(x[i] * scale), absolute error below 4e-16; beyond
// +-38.5 the value there. `out` may be `x`. REQUIRES: no NaN; the lengths are equal.
void normal_cdf(std::span<const double> x, double scale, std::span<double> out);

}  // namespace qk
