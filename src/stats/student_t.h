// Student's t distribution with any number of degrees of freedom. Threads: safe.
#pragma once

namespace qk {

// P(T <= x). REQUIRES: freedom > 0.
double student_t_cdf(double x, double freedom);

// x with P(T <= x) = p, to 1e-12. REQUIRES: 0 < p < 1; freedom > 0.
double student_t_quantile(double p, double freedom);

}  // namespace qk
