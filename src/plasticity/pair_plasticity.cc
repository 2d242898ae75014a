#include "plasticity/pair_plasticity.h"

#include <cmath>
#include <numbers>

namespace qk {

double pair_plasticity(double mean, double variance) {
  if (std::isnan(mean) || std::isnan(variance)) return std::nan("");
  if (variance <= 0) return mean == 0 ? 1.0 : 0.0;
  // The smaller tail comes from erfc itself, so that no digits are lost where p is near 0 or 1.
  const double tail = std::erfc(std::abs(mean) / std::sqrt(2 * variance));
  return tail * (2 - tail);
}

}  // namespace qk
