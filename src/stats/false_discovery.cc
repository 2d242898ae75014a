#include "stats/false_discovery.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace qk {

std::vector<bool> false_discovery_tests(std::span<const double> p_values, double rate) {
  std::vector<double> sorted;
  for (const double p : p_values) {
    if (!std::isnan(p)) sorted.push_back(p);
  }
  std::sort(sorted.begin(), sorted.end());
  const auto n = static_cast<double>(sorted.size());
  double limit = -1;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] <= static_cast<double>(i + 1) * rate / n) limit = sorted[i];
  }
  std::vector<bool> out;
  out.reserve(p_values.size());
  for (const double p : p_values) out.push_back(p <= limit);
  return out;
}

}  // namespace qk
