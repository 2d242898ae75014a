// Skewness and excess kurtosis with bias correction, as scipy computes them.
#pragma once

#include <cstdint>

namespace qk {

struct CentralMoments {
  int64_t n = 0;
  double m2 = 0;  // means of the second to fourth powers of the deviations
  double m3 = 0;
  double m4 = 0;

  double variance() const;  // divided by n - 1; NaN for one row
};

// From the sums of x, x^2, x^3, x^4, where x is already close to its deviation from the mean.
// REQUIRES: n >= 1.
CentralMoments central_moments(int64_t n, const double (&power_sums)[4]);

// NaN if there is no variance; without correction for n <= 2 (skewness), n <= 3 (kurtosis).
double skewness(const CentralMoments& moments);
double excess_kurtosis(const CentralMoments& moments);

}  // namespace qk
