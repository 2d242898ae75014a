#include "plasticity/cell_matrix.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plasticity/plasticity_trends.h"

namespace qk {
namespace cell_matrix_test {

// value = level of the lag + a position + b distance, in thousands of tokens, for buckets below
// `buckets`; the replicates add 1, 2, ... times 0.1.
struct Cells {
  std::vector<BucketPlasticity> cells;
  PlasticityReplicates replicates;
};

template <typename Value>
Cells cells_of(int64_t buckets, size_t num_replicates, const Value& value) {
  Cells out;
  out.replicates.ap_overall.resize(num_replicates);
  for (int64_t q = 1; q < buckets; ++q) {
    for (int64_t k = 0; k < q; ++k) {
      out.cells.push_back({q, k, value(q, k, 0), 100, 10, 5});
      CellReplicates row{q, k, {}};
      for (size_t r = 0; r < num_replicates; ++r) row.values.push_back(value(q, k, r));
      out.replicates.cells.push_back(row);
    }
  }
  return out;
}

TEST(CellMatrix, CurvesAreMeansOfCells) {
  Cells cells = cells_of(4, 3, [](int64_t q, int64_t k, size_t r) {
    return static_cast<double>(10 * q + k) + 0.1 * static_cast<double>(r);
  });
  cells.cells[2].value = kNotANumber;  // (2, 1)
  cells.replicates.cells[2].values[0] = kNotANumber;
  const CellMatrix matrix(cells.cells, &cells.replicates);
  const BucketRanges ranges = BucketRanges::uniform(100);
  const std::vector<CurvePoint> positions = curve_over_positions(matrix, ranges);
  ASSERT_EQ(positions.size(), 3U);
  EXPECT_EQ(positions[1].bucket, 2);
  EXPECT_EQ(positions[1].first, 200);
  EXPECT_EQ(positions[1].last, 299);
  EXPECT_EQ(positions[1].center, 249.5);
  EXPECT_EQ(positions[1].values[0], 20);             // only (2, 0)
  EXPECT_NEAR(positions[1].values[2], 20.7, 1e-12);  // (2, 0) and (2, 1)
  EXPECT_NEAR(positions[2].values[1], 31.1, 1e-12);
  EXPECT_EQ(positions[2].pairs, 30);
  EXPECT_EQ(positions[2].queries, 100);
  const std::vector<CurvePoint> distances = curve_over_distances(matrix, ranges);
  ASSERT_EQ(distances.size(), 3U);
  EXPECT_EQ(distances[0].bucket, 1);
  EXPECT_EQ(distances[0].center, 100);
  EXPECT_NEAR(distances[0].values[0], (10 + 32) / 2.0, 1e-12);
  EXPECT_NEAR(distances[2].values[0], 30, 1e-12);
}

TEST(CellMatrix, WithoutReplicatesThereIsTheSample) {
  const Cells cells = cells_of(3, 1, [](int64_t q, int64_t, size_t) { return double(q); });
  const CellMatrix matrix(cells.cells, nullptr);
  EXPECT_EQ(matrix.replicates(), 1U);
  EXPECT_EQ(matrix.at(2, 0), 2);
  EXPECT_TRUE(matrix.replicates_of(0).empty());
}

TEST(PlasticityTrends, UniformBucketsHoldTheOtherFixed) {
  // A level of every lag that no line can follow, and a slope of -0.3 per 1,000 tokens of position.
  const Cells cells = cells_of(8, 2, [](int64_t q, int64_t k, size_t r) {
    const double level = (q - k) % 2 == 0 ? 0.9 : 0.1;
    return level - (0.3 + static_cast<double>(r)) * (static_cast<double>(q) + 0.5) * 0.25;
  });
  const CellMatrix matrix(cells.cells, &cells.replicates);
  const BucketRanges ranges = BucketRanges::uniform(250);
  const Slope slope = slope_of(TrendKind::kPosition, matrix, ranges);
  EXPECT_EQ(slope.cells, 28);
  EXPECT_NEAR(slope.values[0], -0.3, 1e-12);
  EXPECT_NEAR(slope.values[1], -1.3, 1e-12);
  EXPECT_EQ(slope_unit(ranges), "per 1000 tokens");
  // A level of every query bucket, and a slope over distance.
  const Cells over_distance = cells_of(8, 1, [](int64_t q, int64_t k, size_t) {
    return (q % 3 == 0 ? 0.9 : 0.1) + 0.2 * static_cast<double>(q - k) * 0.25;
  });
  const CellMatrix other(over_distance.cells, nullptr);
  EXPECT_NEAR(slope_of(TrendKind::kDistance, other, ranges).values[0], 0.2, 1e-12);
}

// A later query bucket has farther keys: the plain curve falls although position does nothing.
TEST(PlasticityTrends, TheCurveMixesPositionAndDistance) {
  const Cells cells = cells_of(8, 1, [](int64_t q, int64_t k, size_t) {
    return 0.9 - 0.4 * static_cast<double>(q - k) * 0.25;
  });
  const CellMatrix matrix(cells.cells, nullptr);
  const BucketRanges ranges = BucketRanges::uniform(250);
  EXPECT_NEAR(slope_of(TrendKind::kPosition, matrix, ranges).values[0], 0, 1e-12);
  EXPECT_NEAR(slope_of(TrendKind::kDistance, matrix, ranges).values[0], -0.4, 1e-12);
  const Slope curve = slope_of(TrendKind::kCurve, matrix, ranges);
  EXPECT_NEAR(curve.values[0], -0.2, 1e-12);
  EXPECT_EQ(curve.cells, 7);
}

TEST(PlasticityTrends, LogBucketsCountDoublings) {
  const BucketRanges ranges = BucketRanges::log(3);
  const auto position = [&](int64_t q) { return std::log2(bucket_middle(ranges, q) + 1); };
  const Cells cells = cells_of(12, 1, [&](int64_t q, int64_t k, size_t) {
    const double distance = bucket_middle(ranges, q) - bucket_middle(ranges, k);
    return 0.5 - 0.02 * position(q) + 0.03 * std::log2(distance);
  });
  std::vector<BucketPlasticity> from_three;
  for (const BucketPlasticity& cell : cells.cells) {
    if (cell.k_bucket >= 3) from_three.push_back(cell);
  }
  const CellMatrix matrix(from_three, nullptr);
  EXPECT_NEAR(slope_of(TrendKind::kPosition, matrix, ranges).values[0], -0.02, 1e-9);
  EXPECT_NEAR(slope_of(TrendKind::kDistance, matrix, ranges).values[0], 0.03, 1e-9);
  EXPECT_EQ(slope_unit(ranges), "per doubling");
}

TEST(PlasticityTrends, WhatIsNotDeterminedIsNotSaid) {
  const BucketRanges ranges = BucketRanges::uniform(250);
  const auto one = [](int64_t, int64_t, size_t) { return 0.5; };
  const Cells two_buckets = cells_of(2, 1, one);  // a single cell
  for (const TrendKind kind : kTrendKinds) {
    const CellMatrix matrix(two_buckets.cells, nullptr);
    EXPECT_TRUE(std::isnan(slope_of(kind, matrix, ranges).values[0]));
  }
  // Every distance occurs once: position at fixed distance is not seen.
  std::vector<BucketPlasticity> cells = {{1, 0, 0.5}, {3, 1, 0.5}, {6, 3, 0.5}, {9, 5, 0.5}};
  const CellMatrix matrix(cells, nullptr);
  EXPECT_TRUE(std::isnan(slope_of(TrendKind::kPosition, matrix, ranges).values[0]));
  EXPECT_EQ(slope_of(TrendKind::kCurve, matrix, ranges).values[0], 0);
}

}  // namespace cell_matrix_test
}  // namespace qk
