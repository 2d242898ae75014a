#include "heads/bucket_ranges.h"

#include <gtest/gtest.h>

#include <vector>

namespace qk {
namespace {

HeadTable rows(const std::vector<int64_t>& positions, const std::vector<int64_t>& buckets) {
  HeadTable table;
  table.positions = positions;
  table.buckets = buckets;
  return table;
}

TEST(BucketRanges, AreInferredFromTheRows) {
  const BucketRanges uniform =
      BucketRanges::observed(rows({3, 70, 130}, {0, 1, 2}), rows({63, 191}, {0, 2}));
  EXPECT_EQ(uniform.of(2).first, 128);
  EXPECT_EQ(uniform.of(2).last, 191);
  const BucketRanges log =
      BucketRanges::observed(rows({2, 10, 14}, {3, 3, 3}), rows({15, 31}, {4, 5}));
  EXPECT_EQ(log.of(3).first, 0);
  EXPECT_EQ(log.of(4).first, 15);
  EXPECT_EQ(log.of(5).last, 62);
  const BucketRanges neither =
      BucketRanges::observed(rows({2, 10}, {1, 1}), rows({11, 50}, {2, 2}));
  EXPECT_EQ(neither.of(1).first, 2);
  EXPECT_EQ(neither.of(1).last, 10);
  EXPECT_EQ(neither.of(2).last, 50);
}

// The smallest width that agrees with all rows, if no power of two does.
TEST(BucketRanges, WidthsNeedNotBePowersOfTwo) {
  const auto width_of = [](const HeadTable& queries, const HeadTable& keys) {
    const BucketRanges ranges = BucketRanges::observed(queries, keys);
    EXPECT_TRUE(ranges.hold(queries) && ranges.hold(keys));
    return ranges.of(5).first / 5;
  };
  EXPECT_EQ(width_of(rows({0, 999, 1000, 1999}, {0, 0, 1, 1}), rows({2500}, {2})), 1000);
  EXPECT_EQ(width_of(rows({999, 1010}, {0, 1}), rows({2990}, {2})), 1000);  // up to 1010
  EXPECT_EQ(width_of(rows({990, 2020}, {0, 2}), rows({1000}, {1})), 991);   // up to 1000
  EXPECT_EQ(width_of(rows({990, 1030}, {0, 1}), rows({2060}, {2})), 1024);
}

TEST(BucketRanges, RowsMayContradictThem) {
  EXPECT_TRUE(BucketRanges::uniform(64).hold(rows({0, 63, 64, 191}, {0, 0, 1, 2})));
  EXPECT_FALSE(BucketRanges::uniform(64).hold(rows({0, 64}, {0, 0})));
  EXPECT_FALSE(BucketRanges::uniform(64).hold(rows({63}, {1})));
  EXPECT_TRUE(BucketRanges::log(4).hold(rows({0, 30, 31, 62}, {4, 4, 5, 5})));
  EXPECT_FALSE(BucketRanges::log(4).hold(rows({63}, {5})));
}

TEST(BucketRanges, AWindowReachesBackInTokens) {
  const BucketRanges ranges = BucketRanges::uniform(64);
  for (const int64_t window : {64, 128, 100, 1024}) {
    const int64_t lookback = (window + 63) / 64;
    for (int64_t back = 1; back < 20; ++back) {
      EXPECT_EQ(ranges.reaches(20, 20 - back, window), back <= lookback) << window << " " << back;
    }
  }
  const BucketRanges log =
      BucketRanges::log(4);  // bucket 8: 255 .. 510, 7: 127 .. 254, 6: 63 .. 126
  EXPECT_TRUE(log.reaches(8, 7, 2));
  EXPECT_FALSE(log.reaches(8, 7, 1));
  EXPECT_FALSE(log.reaches(8, 6, 128));
  EXPECT_TRUE(log.reaches(8, 6, 130));
}

}  // namespace
}  // namespace qk
