#include "stats/moments.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qk {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double CentralMoments::variance() const {
  return n > 1 ? m2 * static_cast<double>(n) / static_cast<double>(n - 1) : kNone;
}

CentralMoments central_moments(int64_t n, const double (&power_sums)[4]) {
  const auto size = static_cast<double>(n);
  const double a = power_sums[0] / size;
  const double r2 = power_sums[1] / size;
  const double r3 = power_sums[2] / size;
  const double r4 = power_sums[3] / size;
  return {n, std::max(0.0, r2 - a * a), r3 - 3 * a * r2 + 2 * a * a * a,
          r4 - 4 * a * r3 + 6 * a * a * r2 - 3 * a * a * a * a};
}

double skewness(const CentralMoments& moments) {
  if (moments.m2 <= 0) return kNone;
  const auto n = static_cast<double>(moments.n);
  const double plain = moments.m3 / (moments.m2 * std::sqrt(moments.m2));
  return moments.n > 2 ? std::sqrt(n * (n - 1)) / (n - 2) * plain : plain;
}

double excess_kurtosis(const CentralMoments& moments) {
  if (moments.m2 <= 0) return kNone;
  const auto n = static_cast<double>(moments.n);
  const double plain = moments.m4 / (moments.m2 * moments.m2);
  if (moments.n <= 3) return plain - 3;
  return ((n * n - 1) * plain - 3 * (n - 1) * (n - 1)) / ((n - 2) * (n - 3));
}

}  // namespace qk
