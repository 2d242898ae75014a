#include "plasticity/pair_plasticity.h"

#include <cmath>
#include <numbers>

namespace qk {

double pair_plasticity(double mean, double variance) {
  if (std::isnan(mean) || std::isnan(variance)) return std::nan("");
  if (variance <= 0) return mean == 0 ? 1.0 : 0.0;
  // 4 p (1 - p) with both tails from erfc: no digits are lost where p is near 1.
  const double z = mean / std::sqrt(2 * variance);
  return std::erfc(z) * std::erfc(-z);
}

}  // namespace qk
