// Birnbaum and Tingey's sum, each term a binomial probability in Loader's saddle-point form, so
// that nothing cancels.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "stats/ks_distribution.h"

namespace qk {
namespace {

// ln(n!) - ln(sqrt(2 pi n) (n / e)^n).
double stirling_error(double n) {
  static constexpr double kExact[16] = {
      0.0,
      0.0810614667953272582196702,
      0.0413406959554092940938221,
      0.02767792568499833914878929,
      0.02079067210376509311152277,
      0.01664469118982119216319487,
      0.01387612882307074799874573,
      0.01189670994589177009505572,
      0.01041126526197209649747857,
      0.00925546218271273291772863,
      0.00833056343336287125646931,
      0.00757367548795184079497202,
      0.00694284010720952986566415,
      0.00640899418800420706843963,
      0.00595137011275884773562442,
      0.00555473355196280137103869,
  };
  if (n <= 15) return kExact[static_cast<int>(n)];
  const double r = 1 / (n * n);
  if (n > 500) return (1.0 / 12 - r / 360) / n;
  return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - r / 1188) * r) * r) * r) / n;
}

// x ln(x / mean) + mean - x, exact also where x is close to the mean.
double deviance(double x, double mean) {
  const double difference = x - mean;
  if (std::abs(difference) >= 0.1 * (x + mean)) return x * std::log(x / mean) - difference;
  const double v = difference / (x + mean);
  double sum = difference * v;
  double term = 2 * x * v;
  for (int j = 1;; ++j) {
    term *= v * v;
    const double next = sum + term / (2 * j + 1);
    if (next == sum) return sum;
    sum = next;
  }
}

// P(j of n), probability p, q = 1 - p. REQUIRES: 0 < p, 0 < q.
double binomial(double j, double n, double p, double q) {
  if (j == 0) return std::exp(p < 0.1 ? n * std::log1p(-p) : n * std::log(q));
  if (j == n) return std::exp(n * std::log(p));
  const double log_ratio = stirling_error(n) - stirling_error(j) - stirling_error(n - j) -
                           deviance(j, n * p) - deviance(n - j, n * q);
  return std::exp(log_ratio) * std::sqrt(n / (2 * std::numbers::pi * j * (n - j)));
}

double term(double j, double n, double d) {
  const double p = d + j / n;
  const double q = (n - j) / n - d;
  if (q <= 0) return 0;
  return d / p * binomial(j, n, p, q);
}

}  // namespace

// Of a large sample the terms follow a smooth bump that vanishes with all its derivatives at both
// ends: there every h-th term times h gives the sum to rounding, if some hundreds are left.
double ks_one_sided_tail(int64_t n, double d) {
  constexpr int64_t kTerms = 512;
  constexpr double kSmoothFrom = 2.2;  // n d^2: below, the first terms count
  const auto size = static_cast<double>(n);
  const auto last = static_cast<int64_t>(std::floor(size * (1 - d)));
  const int64_t stride = size * d * d >= kSmoothFrom ? std::max<int64_t>(1, n / kTerms) : 1;
  double sum = 0;
  for (int64_t j = last / stride * stride; j >= 0; j -= stride) {
    sum += term(static_cast<double>(j), size, d);
  }
  return sum * static_cast<double>(stride);
}

double log_factorial_over_power(int64_t n) {
  const auto size = static_cast<double>(n);
  return std::log(2 * std::numbers::pi * size) / 2 - size + stirling_error(size);
}

}  // namespace qk
