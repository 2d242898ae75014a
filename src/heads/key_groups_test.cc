#include "heads/key_groups.h"

#include <gtest/gtest.h>

#include <set>

#include "heads/bucket_ranges.h"

namespace qk {
namespace {

// Documents 7, 3 and 9 have 4, 3 and 1 rows in bucket 0; document 3 has 2 in bucket 5.
HeadTable keys() {
  HeadTable table;
  table.head_dim = 1;
  table.example_ids = {7, 3, 7, 9, 3, 7, 3, 7, 3, 3};
  table.buckets = {0, 0, 0, 0, 0, 0, 0, 0, 5, 5};
  table.positions = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  table.vectors.assign(10, 0.0F);
  return table;
}

std::set<std::pair<int64_t, int64_t>> as_set(const std::vector<KeyPair>& pairs) {
  std::set<std::pair<int64_t, int64_t>> out;
  for (const KeyPair& pair : pairs) {
    out.emplace(std::min(pair.first, pair.second), std::max(pair.first, pair.second));
  }
  return out;
}

TEST(KeyGroups, CountsPairsWithinDocuments) {
  const KeyGroups groups(keys());
  ASSERT_EQ(groups.buckets().size(), 2U);
  EXPECT_EQ(groups.buckets()[1], 5);
  EXPECT_EQ(groups.num_pairs(0), 6 + 3);
  EXPECT_EQ(groups.num_pairs(1), 1);
}

TEST(KeyGroups, TakesEveryPairOnceIfAllAreWanted) {
  const KeyGroups groups(keys());
  NumpyGenerator generator(1);
  std::vector<KeyPair> pairs;
  groups.draw_distinct(0, 256, generator, pairs);
  const std::set<std::pair<int64_t, int64_t>> expected = {{0, 2}, {0, 5}, {2, 5}, {0, 7}, {2, 7},
                                                          {5, 7}, {1, 4}, {1, 6}, {4, 6}};
  EXPECT_EQ(pairs.size(), 9U);
  EXPECT_EQ(as_set(pairs), expected);
  for (int64_t count = 1; count < 9; ++count) {
    groups.draw_distinct(0, count, generator, pairs);
    EXPECT_EQ(as_set(pairs).size(), static_cast<size_t>(count));
    for (const auto& pair : as_set(pairs)) EXPECT_TRUE(expected.contains(pair));
  }
}

TEST(KeyGroups, WithoutDocumentsThereIsNoPair) {
  HeadTable table = keys();
  table.example_ids.clear();
  const KeyGroups groups(table);
  EXPECT_EQ(groups.num_pairs(0), 0);
  NumpyGenerator generator(1);
  std::vector<KeyPair> pairs = {{1, 2}};
  groups.draw_with_repeats(0, 256, generator, pairs);
  EXPECT_TRUE(pairs.empty());
}

TEST(NumpyGeneratorChoicePair, IsChoiceOfTwo) {
  for (const int64_t n : {2, 3, 4, 100, 20000}) {
    NumpyGenerator one(n);
    NumpyGenerator other(n);
    for (int i = 0; i < 50; ++i) {
      const auto [first, second] = one.choice_pair(n);
      EXPECT_EQ(other.choice(n, 2), (std::vector<int64_t>{first, second}));
    }
    EXPECT_EQ(one.next32(), other.next32());
  }
}

HeadTable rows(const std::vector<int64_t>& positions, const std::vector<int64_t>& buckets) {
  HeadTable table;
  table.positions = positions;
  table.buckets = buckets;
  return table;
}

TEST(BucketRanges, AreToldByTheRows) {
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
