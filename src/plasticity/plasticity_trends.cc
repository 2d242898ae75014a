#include "plasticity/plasticity_trends.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

namespace qk {
namespace {

constexpr double kTokens = 1000;     // of the unit
constexpr double kCollinear = 1e-9;  // 1 - R^2 of one regressor on the other, below: not separable
constexpr int64_t kFewestCells = 3;

// Where a cell lies on the axes of the fit, in units of the slope.
struct CellPlace {
  double position;
  double distance;
  int64_t q_bucket;
  int64_t lag;
};

std::vector<CellPlace> places_of(const CellMatrix& matrix, const BucketRanges& ranges) {
  std::vector<CellPlace> out;
  out.reserve(matrix.cells().size());
  for (const BucketPlasticity& cell : matrix.cells()) {
    double position = bucket_middle(ranges, cell.q_bucket);
    double distance = position - bucket_middle(ranges, cell.k_bucket);
    if (ranges.is_log()) {
      position = std::log2(position + 1);
      distance = std::log2(std::max(distance, 1.0));
    } else {
      position /= kTokens;
      distance /= kTokens;
    }
    out.push_back({position, distance, cell.q_bucket, bucket_lag(cell)});
  }
  return out;
}

// The fewest documents of a cell that a slope takes: leaving one out must leave the cell a value.
int64_t fewest_documents(std::span<const BucketPlasticity> cells) {
  int64_t most = 0;
  for (const BucketPlasticity& cell : cells) most = std::max(most, cell.documents);
  return std::min<int64_t>(most, 3);
}

struct Line {
  double slope = kNotANumber;
  int64_t points = 0;
};

// Slope within groups of points: every group has its own level.
class GroupedLine {
 public:
  void add(int64_t group, double x, double y) {
    Sums& sums = groups_[group];
    sums.count += 1;
    // Running means, so that no digits are lost where x is large.
    const double dx = x - sums.x;
    sums.x += dx / sums.count;
    sums.y += (y - sums.y) / sums.count;
    sums.xx += dx * (x - sums.x);
    sums.xy += dx * (y - sums.y);
    ++points_;
  }

  Line line() const {
    double xx = 0;
    double xy = 0;
    for (const auto& [group, sums] : groups_) {
      xx += sums.xx;
      xy += sums.xy;
    }
    if (points_ < kFewestCells || !(xx > 0)) return {kNotANumber, points_};
    return {xy / xx, points_};
  }

 private:
  struct Sums {
    double count = 0, x = 0, y = 0, xx = 0, xy = 0;
  };
  std::map<int64_t, Sums> groups_;
  int64_t points_ = 0;
};

// Slope over `first` of a plane through the points; NaN if the two cannot be told apart.
Line plane_slope(std::span<const double> first, std::span<const double> second,
                 std::span<const double> y) {
  const auto n = static_cast<double>(y.size());
  double mean_a = 0;
  double mean_b = 0;
  double mean_y = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    mean_a += first[i] / n;
    mean_b += second[i] / n;
    mean_y += y[i] / n;
  }
  double aa = 0;
  double ab = 0;
  double bb = 0;
  double ay = 0;
  double by = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const double a = first[i] - mean_a;
    const double b = second[i] - mean_b;
    aa += a * a;
    ab += a * b;
    bb += b * b;
    ay += a * (y[i] - mean_y);
    by += b * (y[i] - mean_y);
  }
  const auto points = static_cast<int64_t>(y.size());
  const double determinant = aa * bb - ab * ab;
  if (points < kFewestCells || !(determinant > kCollinear * aa * bb)) return {kNotANumber, points};
  return {(ay * bb - by * ab) / determinant, points};
}

Line cells_line(TrendKind kind, const CellMatrix& matrix, std::span<const CellPlace> places,
                bool is_uniform, size_t replicate) {
  const int64_t fewest = fewest_documents(matrix.cells());
  GroupedLine grouped;
  std::vector<double> positions;
  std::vector<double> distances;
  std::vector<double> values;
  for (size_t c = 0; c < places.size(); ++c) {
    const double value = matrix.at(c, replicate);
    if (std::isnan(value) || matrix.cells()[c].documents < fewest) continue;
    const CellPlace& place = places[c];
    if (!is_uniform) {
      positions.push_back(place.position);
      distances.push_back(place.distance);
      values.push_back(value);
    } else if (kind == TrendKind::kPosition) {
      grouped.add(place.lag, place.position, value);
    } else {
      grouped.add(place.q_bucket, place.distance, value);
    }
  }
  if (is_uniform) return grouped.line();
  return kind == TrendKind::kPosition ? plane_slope(positions, distances, values)
                                      : plane_slope(distances, positions, values);
}

Line curve_line(std::span<const CurvePoint> curve, bool is_log, int64_t fewest, size_t replicate) {
  GroupedLine out;
  for (const CurvePoint& point : curve) {
    const double value = point.values[replicate];
    if (std::isnan(value) || point.documents < fewest) continue;
    out.add(0, is_log ? std::log2(point.center + 1) : point.center / kTokens, value);
  }
  return out.line();
}

}  // namespace

std::string_view trend_name(TrendKind kind) {
  switch (kind) {
    case TrendKind::kPosition:
      return "position";
    case TrendKind::kDistance:
      return "distance";
    case TrendKind::kCurve:
      return "curve";
  }
  return "";
}

std::string_view slope_unit(const BucketRanges& ranges) {
  return ranges.is_log() ? "per doubling" : "per 1000 tokens";
}

Slope slope_of(TrendKind kind, const CellMatrix& matrix, const BucketRanges& ranges) {
  std::vector<CurvePoint> curve;
  std::vector<CellPlace> places;
  if (kind == TrendKind::kCurve) {
    curve = curve_over_positions(matrix, ranges);
  } else {
    places = places_of(matrix, ranges);
  }
  Slope out;
  for (size_t r = 0; r < matrix.replicates(); ++r) {
    const Line line = kind == TrendKind::kCurve
                          ? curve_line(curve, ranges.is_log(), fewest_documents(matrix.cells()), r)
                          : cells_line(kind, matrix, places, ranges.width().has_value(), r);
    if (r == 0) out.cells = line.points;
    out.values.push_back(line.slope);
  }
  return out;
}

}  // namespace qk
