#include "stats/median.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qk {

double median(std::vector<double> values) {
  const bool unknown =
      std::any_of(values.begin(), values.end(), [](double x) { return std::isnan(x); });
  if (values.empty() || unknown) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace qk
