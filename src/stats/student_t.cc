#include "stats/student_t.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"

namespace qk {
namespace {

// The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kMostTerms = 10'000;
  double c = 1;
  double d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double out = d;
  for (int m = 1; m < kMostTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double factor = 1;
    for (const double term : {even, odd}) {
      d = 1 + term * d;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      c = 1 + term / c;
      if (std::abs(c) < kTiny) c = kTiny;
      factor = c * d;
      out *= factor;
    }
    if (std::abs(factor - 1) < 4 * std::numeric_limits<double>::epsilon()) break;
  }
  return out;
}

// ln(gamma(a + 1/2) / gamma(a)); for large a the two logarithms have no digits left.
double log_gamma_ratio(double a) {
  if (a < 1000) return std::lgamma(a + 0.5) - std::lgamma(a);
  return 0.5 * std::log(a) - 1 / (8 * a) + 1 / (192 * a * a * a);
}

// I_x(a, 1/2), with y = 1 - x given apart so that neither loses digits.
double incomplete_beta(double a, double x, double y) {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  const double front = std::exp(a * (x < 0.5 ? std::log(x) : std::log1p(-y)) + log_gamma_ratio(a)) *
                       std::sqrt(y / std::numbers::pi);
  if (x < (a + 1) / (a + 2.5)) return front * beta_fraction(a, 0.5, x) / a;
  return 1 - 2 * front * beta_fraction(0.5, a, y);
}

// P(T > x), x >= 0.
double upper_tail(double x, double freedom) {
  const double square = x * x;
  return 0.5 *
         incomplete_beta(freedom / 2, freedom / (freedom + square), square / (freedom + square));
}

double density(double x, double freedom) {
  return std::exp(log_gamma_ratio(freedom / 2) - (freedom + 1) / 2 * std::log1p(x * x / freedom)) /
         std::sqrt(freedom * std::numbers::pi);
}

}  // namespace

double student_t_cdf(double x, double freedom) {
  QK_CHECK(freedom > 0);
  if (std::isnan(x)) return x;
  return x < 0 ? upper_tail(-x, freedom) : 1 - upper_tail(x, freedom);
}

// Newton's steps from 0 grow towards the quantile and never pass it: the tail is convex.
double student_t_quantile(double p, double freedom) {
  QK_CHECK(p > 0 && p < 1 && freedom > 0);
  if (p < 0.5) return -student_t_quantile(1 - p, freedom);
  const double tail = 1 - p;
  double x = 0;
  while (true) {
    const double step = (upper_tail(x, freedom) - tail) / density(x, freedom);
    if (!(step > 1e-13 * x)) return x;
    x += step;
  }
}

}  // namespace qk
