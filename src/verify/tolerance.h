// How far queries and keys may be from a reference.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "verify/reference_info.h"

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

// In half precision single numbers may be far apart in two correct runs, so the limits are for the
// root of the mean square and for the tail (99 % of the numbers), as multiples of the type's unit
// roundoff u, relative to the largest value of an array:
//   rms   4 u; where the reference names its own distance from float32, kHalfDistanceMultiple times
//         that if it is more, but never more than 16 u
//   tail  kTailMultiple times the rms that is allowed
inline constexpr double kLeastHalfRms = 4;
inline constexpr double kMostHalfRms = 16;
inline constexpr double kHalfDistanceMultiple = 3;
inline constexpr double kTailMultiple = 5;

struct VerifiedSite {
  SiteDifference difference;
  double allowed = 0;  // at the row closest to its limit, or furthest beyond it; of the rms in half
                       // precision; 0 if the bits are equal and have to be
  double excess = 0;   // largest difference / allowed of all rows; passed if <= 1
};

// float64_distance: of the reference's array, relative to its largest value, if it was measured.
double base_tolerance(std::optional<double> float64_distance);

// rows: the position of each row of the difference.
VerifiedSite judge(const SiteDifference& difference, std::span<const int32_t> rows, double base);

// 2^-8 of bfloat16, 2^-11 of float16. REQUIRES: one of these.
double unit_roundoff(DType dtype);

// The rms that is allowed in half precision; distance: of the reference's array, if it was measured.
double half_tolerance(DType dtype, std::optional<double> distance);

// allowed: from half_tolerance.
VerifiedSite judge_half(const SiteDifference& difference, double allowed);

}  // namespace qk
