#include "verify/tolerance.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace qk {

double base_tolerance(std::optional<double> float64_distance) {
  return std::clamp(kFloat64Multiple * float64_distance.value_or(0), kLeastTolerance,
                    kMostTolerance);
}

VerifiedSite judge(const SiteDifference& difference, std::span<const int32_t> rows, double base) {
  QK_CHECK(difference.row_ratios.size() == rows.size());
  const bool is_pre =
      difference.site == Site::kQueryPreRope || difference.site == Site::kKeyPreRope;
  const double per_position = difference.layer == 0 && is_pre ? 0 : std::ldexp(1.0, -24);
  VerifiedSite out{difference, base, -1};
  for (size_t row = 0; row < rows.size(); ++row) {
    const double allowed = base + per_position * rows[row];
    const double excess = difference.row_ratios[row] / allowed;
    if (excess > out.excess) {
      out.excess = excess;
      out.allowed = allowed;
    }
  }
  return out;
}

}  // namespace qk
