#include "plasticity/cell_matrix.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "base/error.h"

namespace qk {
namespace {

struct Place {
  int64_t bucket;
  double center;
  double first;
  double last;
};

// The mean over the cells of each place, in every replicate.
std::vector<CurvePoint> curve_of(const CellMatrix& matrix,
                                 const std::function<Place(const BucketPlasticity&)>& place_of) {
  struct Sum {
    CurvePoint point;
    std::vector<double> weights;
    double centers = 0;
    int64_t cells = 0;
  };
  std::map<int64_t, Sum> sums;
  for (size_t c = 0; c < matrix.cells().size(); ++c) {
    const BucketPlasticity& cell = matrix.cells()[c];
    const Place place = place_of(cell);
    const auto [it, is_new] = sums.try_emplace(place.bucket);
    Sum& sum = it->second;
    CurvePoint& point = sum.point;
    if (is_new) {
      point.bucket = place.bucket;
      point.first = place.first;
      point.last = place.last;
      point.values.resize(matrix.replicates());
      sum.weights.resize(matrix.replicates());
    }
    point.first = std::min(point.first, place.first);
    point.last = std::max(point.last, place.last);
    point.queries = std::max(point.queries, cell.queries);
    point.pairs += cell.pairs;
    point.documents += cell.documents;
    point.effective_documents += cell.effective_documents;
    sum.centers += place.center;
    ++sum.cells;
    for (size_t r = 0; r < matrix.replicates(); ++r) {
      const double value = matrix.at(c, r);
      if (std::isnan(value)) continue;
      point.values[r] += value;
      sum.weights[r] += 1;
    }
  }
  std::vector<CurvePoint> out;
  for (auto& [bucket, sum] : sums) {
    for (size_t r = 0; r < sum.weights.size(); ++r) {
      sum.point.values[r] = sum.weights[r] > 0 ? sum.point.values[r] / sum.weights[r] : kNotANumber;
    }
    sum.point.center = sum.centers / static_cast<double>(sum.cells);
    sum.point.documents /= sum.cells;
    sum.point.effective_documents /= static_cast<double>(sum.cells);
    out.push_back(std::move(sum.point));
  }
  return out;
}

}  // namespace

CellMatrix::CellMatrix(std::span<const BucketPlasticity> cells,
                       const PlasticityReplicates* replicates)
    : cells_(cells), rows_(cells.size()) {
  if (replicates == nullptr) return;
  replicates_ = replicates->ap_overall.size();
  size_t c = 0;
  for (const CellReplicates& row : replicates->cells) {
    while (c < cells.size() &&
           (cells[c].q_bucket != row.q_bucket || cells[c].k_bucket != row.k_bucket)) {
      ++c;
    }
    QK_CHECK(c < cells.size() && row.values.size() == replicates_);
    rows_[c] = &row;
  }
}

double CellMatrix::at(size_t cell, size_t replicate) const {
  if (replicate == 0) return cells_[cell].value;
  return rows_[cell] == nullptr ? kNotANumber : rows_[cell]->values[replicate];
}

std::span<const double> CellMatrix::replicates_of(size_t cell) const {
  if (rows_[cell] == nullptr) return {};
  return std::span(rows_[cell]->values).subspan(1);
}

int64_t bucket_lag(const BucketPlasticity& cell) {
  int64_t out = 0;
  const bool is_too_large = __builtin_sub_overflow(cell.q_bucket, cell.k_bucket, &out);
  return is_too_large ? std::numeric_limits<int64_t>::max() : out;
}

double bucket_middle(const BucketRanges& ranges, int64_t bucket) {
  const PositionRange range = ranges.of(bucket);
  return (static_cast<double>(range.first) + static_cast<double>(range.last)) / 2;
}

std::vector<CurvePoint> curve_over_positions(const CellMatrix& matrix, const BucketRanges& ranges) {
  return curve_of(matrix, [&](const BucketPlasticity& cell) {
    const PositionRange range = ranges.of(cell.q_bucket);
    return Place{cell.q_bucket, bucket_middle(ranges, cell.q_bucket),
                 static_cast<double>(range.first), static_cast<double>(range.last)};
  });
}

std::vector<CurvePoint> curve_over_distances(const CellMatrix& matrix, const BucketRanges& ranges) {
  return curve_of(matrix, [&](const BucketPlasticity& cell) {
    const double distance =
        bucket_middle(ranges, cell.q_bucket) - bucket_middle(ranges, cell.k_bucket);
    return Place{bucket_lag(cell), distance, distance, distance};
  });
}

}  // namespace qk
