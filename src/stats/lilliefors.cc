#include "stats/lilliefors.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qk {
namespace {

// P(K >= x) at x = 0.30, 0.34, ..., where K = D (sqrt(n) - 0.01 + 0.85 / sqrt(n)), Stephens' form,
// is nearly the same for all n. Simulated by tools/lilliefors_table.py.
constexpr double kFirst = 0.30;
constexpr double kStep = 0.04;
constexpr size_t kKnots = 25;
constexpr std::array<double, kKnots> kOf20 = {
    0.999385, 0.995104, 0.978461, 0.939626, 0.872922, 0.780934, 0.672237, 0.559181, 0.449733,
    0.351125, 0.265937, 0.196865, 0.142115, 0.100147, 0.068905, 0.046600, 0.030752, 0.019894,
    0.012560, 0.007801, 0.004677, 0.002700, 0.001609, 0.000882, 0.000474};
constexpr std::array<double, kKnots> kOf400 = {
    0.999778, 0.997247, 0.985548, 0.953758, 0.894067, 0.807335, 0.700753, 0.586277, 0.474498,
    0.371823, 0.283575, 0.210673, 0.152152, 0.107740, 0.075087, 0.050782, 0.033615, 0.021825,
    0.014038, 0.008688, 0.005435, 0.003335, 0.002008, 0.001202, 0.000688};
constexpr double kTailRate = 5.6;  // beyond the last knot the tail falls like exp(-5.6 x^2)

double tail_of(const std::array<double, kKnots>& table, double x) {
  constexpr double kLast = kFirst + kStep * (kKnots - 1);
  if (x <= kFirst) return 1;
  if (x >= kLast) return table.back() * std::exp(kTailRate * (kLast * kLast - x * x));
  const double place = (x - kFirst) / kStep;
  const auto knot = std::min(static_cast<size_t>(place), kKnots - 2);
  const double part = place - static_cast<double>(knot);
  return std::exp((1 - part) * std::log(table[knot]) + part * std::log(table[knot + 1]));
}

// D times this is K.
double scale_of(double root) { return root - 0.01 + 0.85 / root; }

// How much of the difference between the tables of 20 and of 400 is left; it is proportional to
// 1 / sqrt(n).
double part_of_20(double root) { return (1 / root - 1.0 / 20) / (1 / std::sqrt(20.0) - 1.0 / 20); }

// The integral of the tail, by the trapezoidal rule.
double mean_of(const std::array<double, kKnots>& table) {
  double sum = 0;
  for (size_t knot = 0; knot + 1 < kKnots; ++knot) sum += 0.5 * (table[knot] + table[knot + 1]);
  constexpr double kLast = kFirst + kStep * (kKnots - 1);
  return kFirst + kStep * sum + table.back() / (2 * kTailRate * kLast);
}

}  // namespace

double lilliefors_p_value(int64_t n, double d) {
  if (std::isnan(d)) return d;
  const double root = std::sqrt(static_cast<double>(n));
  const double x = d * scale_of(root);
  const double part = part_of_20(root);
  const double of_400 = tail_of(kOf400, x);
  return std::clamp(of_400 + part * (tail_of(kOf20, x) - of_400), 0.0, 1.0);
}

double lilliefors_mean_distance(int64_t n) {
  const double root = std::sqrt(static_cast<double>(n));
  const double of_400 = mean_of(kOf400);
  return (of_400 + part_of_20(root) * (mean_of(kOf20) - of_400)) / scale_of(root);
}

}  // namespace qk
