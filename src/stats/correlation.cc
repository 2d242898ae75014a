#include "stats/correlation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace qk {
namespace {

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = 0.5 * static_cast<double>(begin + end - 1);
    for (; begin < end; ++begin) out[order[begin]] = rank;
  }
  return out;
}

}  // namespace

double pearson_correlation(std::span<const double> a, std::span<const double> b) {
  QK_CHECK(a.size() == b.size());
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (a.size() < 2) return kNone;
  const double mean_a = mean_of(a);
  const double mean_b = mean_of(b);
  double squares_a = 0;
  double squares_b = 0;
  double products = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i] - mean_a;
    const double y = b[i] - mean_b;
    squares_a += x * x;
    squares_b += y * y;
    products += x * y;
  }
  if (!(squares_a > 0) || !(squares_b > 0)) return kNone;
  return std::clamp(products / (std::sqrt(squares_a) * std::sqrt(squares_b)), -1.0, 1.0);
}

double spearman_correlation(std::span<const double> a, std::span<const double> b) {
  return pearson_correlation(ranks_of(a), ranks_of(b));
}

}  // namespace qk
