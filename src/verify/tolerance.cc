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
  VerifiedSite out{.difference = difference, .allowed = base, .excess = -1};
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

double unit_roundoff(DType dtype) {
  QK_CHECK(dtype == DType::kBF16 || dtype == DType::kF16);
  return std::ldexp(1.0, dtype == DType::kBF16 ? -8 : -11);
}

double half_tolerance(DType dtype, std::optional<double> distance) {
  const double unit = unit_roundoff(dtype);
  return std::clamp(kHalfDistanceMultiple * distance.value_or(0), kLeastHalfRms * unit,
                    kMostHalfRms * unit);
}

VerifiedSite judge_half(const SiteDifference& difference, double allowed) {
  const double excess =
      std::max(difference.typical() / allowed, difference.tail() / (kTailMultiple * allowed));
  return {.difference = difference, .allowed = allowed, .excess = excess};
}

}  // namespace qk
