// The asymptotic series of Pelz and Good, four terms.
#include <cmath>
#include <numbers>

#include "stats/ks_distribution.h"

namespace qk {
namespace {

constexpr double kPi2 = std::numbers::pi * std::numbers::pi;
constexpr double kPi4 = kPi2 * kPi2;
constexpr double kPi6 = kPi4 * kPi2;

struct ThetaSums {  // over odd m
  double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
};

ThetaSums odd_sums(double z2, int last) {
  const double z4 = z2 * z2;
  const double z6 = z4 * z2;
  const double z8 = z4 * z4;
  ThetaSums out;
  for (int k = last; k >= 1; --k) {  // small terms first
    const double m2 = std::pow(2.0 * k - 1, 2);
    const double m4 = m2 * m2;
    const double e = std::exp(-kPi2 * m2 / (8 * z2));
    out.s0 += e;
    out.s1 += e * (kPi2 / 4 * m2 - z2);
    out.s2 +=
        e * (6 * z6 + 2 * z4 + kPi2 / 4 * (2 * z4 - 5 * z2) * m2 + kPi4 / 16 * (1 - 2 * z2) * m4);
    out.s3 += e * (-30 * z6 - 90 * z8 + kPi2 / 4 * (135 * z4 - 96 * z6) * m2 +
                   kPi4 / 16 * (212 * z4 - 60 * z2) * m4 + kPi6 / 64 * (5 - 30 * z2) * m4 * m2);
  }
  return out;
}

}  // namespace

double ks_cdf_pelz_good(int64_t n, double d) {
  const auto size = static_cast<double>(n);
  const double z = std::sqrt(size) * d;
  const double z2 = z * z;
  if (kPi2 / (8 * z2) > 708) return 0;
  const int last = static_cast<int>(std::ceil(16 * z / std::numbers::pi));
  const ThetaSums odd = odd_sums(z2, last);
  double square_sum = 0;
  double quartic_sum = 0;
  for (int k = last; k >= 1; --k) {
    const double k2 = static_cast<double>(k) * k;
    const double e = std::exp(-kPi2 * k2 / (2 * z2));
    square_sum += k2 * e;
    quartic_sum += (3 * z2 - kPi2 * k2) * k2 * e;
  }
  const double root = std::sqrt(2 * std::numbers::pi);
  const double z3 = z2 * z;
  const double z6 = z3 * z3;
  const double k0 = root / z * odd.s0;
  const double k1 = root / (6 * z2 * z2) * odd.s1;
  const double k2 = root / (72 * z6 * z) * odd.s2 - kPi2 * root / (36 * z3) * square_sum;
  const double k3 = root / (6480 * z6 * z3 * z) * odd.s3 + kPi2 * root / (216 * z6) * quartic_sum;
  return k0 + k1 / std::sqrt(size) + k2 / size + k3 / (size * std::sqrt(size));
}

}  // namespace qk
