// How plasticity changes with the position of the query, and with its distance from the keys.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "heads/bucket_ranges.h"
#include "plasticity/cell_matrix.h"

namespace qk {

enum class TrendKind : uint8_t {
  kPosition,  // over the query's position, at fixed distance
  kDistance,  // over the distance from query to keys, at fixed position
  kCurve,     // over the query's position, of the mean over all its key buckets: mixes both
};
inline constexpr std::array<TrendKind, 3> kTrendKinds = {TrendKind::kPosition, TrendKind::kDistance,
                                                         TrendKind::kCurve};
std::string_view trend_name(TrendKind kind);  // "position", "distance", "curve"

struct Slope {
  int64_t cells = 0;           // with a value in the sample (points, for kCurve)
  std::vector<double> values;  // [replicates], the sample's first; NaN where it is not determined
};

// Least squares, every cell with the same weight, without cells of fewer than three documents (if there
// are cells of more). Uniform buckets: the slope per 1,000 tokens within
// cells of the same distance (kPosition) or of the same query bucket (kDistance). Log buckets: the
// slopes per doubling of position and of distance, fitted together. Other buckets: the same per
// 1,000 tokens. NaN if fewer than three cells or a single position (distance) decide.
Slope slope_of(TrendKind kind, const CellMatrix& matrix, const BucketRanges& ranges);

// What slope_of() is counted in: "per 1000 tokens" or "per doubling".
std::string_view slope_unit(const BucketRanges& ranges);

}  // namespace qk
