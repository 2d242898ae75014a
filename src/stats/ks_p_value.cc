#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "stats/ks_distribution.h"
#include "stats/ks_test.h"

namespace qk {
namespace {

constexpr int64_t kSmallSample = 140;

double few_steps(int64_t n, double t) {  // 0.5 < t <= 1
  const double width = 2 * t - 1;
  if (n > kSmallSample) {
    return 1 - std::exp(log_factorial_over_power(n) + static_cast<double>(n) * std::log(width));
  }
  double cdf = 1;
  for (int64_t i = 1; i <= n; ++i) {
    cdf *= static_cast<double>(i) / static_cast<double>(n) * width;
  }
  return 1 - cdf;
}

// scipy's branches; the first that matches is taken. t = n d, q = n d^2.
double two_sided_tail(int64_t n, double d) {
  const auto size = static_cast<double>(n);
  const double t = size * d;
  const double q = t * d;
  if (d >= 1) return 0;
  if (t <= 0.5) return 1;
  if (t <= 1) return few_steps(n, t);
  if (t >= size - 1) return 2 * std::pow(1 - d, size);
  if (d >= 0.5) return 2 * ks_one_sided_tail(n, d);
  if (n <= kSmallSample) {
    if (q <= 0.754693) return 1 - ks_cdf_durbin(n, d);
    if (q <= 4) return 1 - ks_cdf_pomeranz(n, d);
    return 2 * ks_one_sided_tail(n, d);
  }
  if (q >= 370) return 0;
  if (q >= 2.2) return 2 * ks_one_sided_tail(n, d);
  if (n <= 100000 && size * std::pow(d, 1.5) <= 1.4) return 1 - ks_cdf_durbin(n, d);
  return 1 - ks_cdf_pelz_good(n, d);
}

}  // namespace

double ks_p_value(int64_t n, double d) {
  QK_CHECK(n >= 1);
  if (std::isnan(d)) return d;
  return std::clamp(two_sided_tail(n, d), 0.0, 1.0);
}

}  // namespace qk
