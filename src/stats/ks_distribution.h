// The pieces of the distribution of the Kolmogorov-Smirnov statistic; ks_p_value() chooses among
// them. Sources: Marsaglia, Tsang, Wang 2003 (Durbin's matrix); Pomeranz 1974; Pelz, Good 1976;
// Birnbaum, Tingey 1951 (one-sided tail); Simard, L'Ecuyer 2011 (which is good where).
#pragma once

#include <cstdint>

namespace qk {

// P(D_n < d). REQUIRES: 0.5 < n d < n.
double ks_cdf_durbin(int64_t n, double d);
double ks_cdf_pomeranz(int64_t n, double d);
// Asymptotic series; z = sqrt(n) d.
double ks_cdf_pelz_good(int64_t n, double d);

// P(D_n^+ >= d), the one-sided tail. REQUIRES: 0 < d < 1.
double ks_one_sided_tail(int64_t n, double d);

// ln(n! / n^n). REQUIRES: n > 100.
double log_factorial_over_power(int64_t n);

}  // namespace qk
