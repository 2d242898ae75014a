#include "stats/bootstrap_interval.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "stats/normal_cdf.h"

namespace qk {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double quantile(const std::vector<double>& sorted, double p) {
  const double at = std::clamp(p, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  if (below + 1 >= sorted.size()) return sorted.back();
  return std::lerp(sorted[below], sorted[below + 1], at - static_cast<double>(below));
}

// Fraction of replicates below the estimate, kept half a replicate away from 0 and 1.
double fraction_below(const std::vector<double>& sorted, double estimate) {
  const auto low = std::lower_bound(sorted.begin(), sorted.end(), estimate);
  const auto high = std::upper_bound(sorted.begin(), sorted.end(), estimate);
  const auto n = static_cast<double>(sorted.size());
  const double below = 0.5 * (static_cast<double>(low - sorted.begin()) +
                              static_cast<double>(high - sorted.begin()));
  return std::clamp(below / n, 0.5 / n, 1 - 0.5 / n);
}

}  // namespace

double normal_quantile(double p) {
  QK_CHECK(p > 0 && p < 1);
  double low = -40;
  double high = 40;
  while (true) {
    const double middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    (normal_cdf(middle) < p ? low : high) = middle;
  }
}

Interval bootstrap_interval(double estimate, std::span<const double> replicates,
                            const BootstrapOptions& options) {
  std::vector<double> sorted;
  for (const double value : replicates) {
    if (!std::isnan(value)) sorted.push_back(value);
  }
  Interval out{kNaN, kNaN, kNaN, kNaN, static_cast<int64_t>(sorted.size())};
  if (std::isnan(estimate) || sorted.size() < 2) return out;
  std::sort(sorted.begin(), sorted.end());
  const auto n = static_cast<double>(sorted.size());
  double sum = 0;
  for (const double value : sorted) sum += value - estimate;
  out.bias = sum / n;
  double squares = 0;
  for (const double value : sorted) {
    const double moved = value - estimate - out.bias;
    squares += moved * moved;
  }
  out.std_error = std::sqrt(squares / (n - 1));
  double low = (1 - options.confidence) / 2;
  double high = 1 - low;
  if (options.interval == IntervalKind::kBiasCorrected) {
    const double z0 = normal_quantile(fraction_below(sorted, estimate));
    const double z = normal_quantile(high);
    low = normal_cdf(2 * z0 - z);
    high = normal_cdf(2 * z0 + z);
  }
  out.low = quantile(sorted, low);
  out.high = quantile(sorted, high);
  return out;
}

}  // namespace qk
