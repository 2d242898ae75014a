// How far queries and keys may be from a reference.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "model/compare_reference.h"

namespace qk {

// Allowed at position p, relative to the largest value of an array: base + p * 2^-24, where
//   base = 1e-5, or kFloat64Multiple times the reference's own distance from float64 where that is
//          more, but never more than 1e-4
//   2^-24 = one unit in the last place of a frequency just below 1 radian: libraries differ by one
//          in some frequencies, which changes the angle at p by that much. Not added where no angle
//          is involved yet: in the first layer before the rotary embedding.
inline constexpr double kLeastTolerance = 1e-5;
inline constexpr double kMostTolerance = 1e-4;
inline constexpr double kFloat64Multiple = 8;

struct VerifiedSite {
  SiteDifference difference;
  double allowed = 0;  // at the row closest to its limit, or furthest beyond it
  double excess = 0;   // largest difference / allowed of all rows; passed if <= 1
};

// float64_distance: of the reference's array, relative to its largest value, if it was measured.
double base_tolerance(std::optional<double> float64_distance);

// rows: the position of each row of the difference.
VerifiedSite judge(const SiteDifference& difference, std::span<const int32_t> rows, double base);

}  // namespace qk
