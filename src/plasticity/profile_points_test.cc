#include "plasticity/profile_points.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace qk {
namespace profile_points_test {

// `sizes` rows of the buckets 10, 11, ..., mixed.
HeadTable table_of(const std::vector<int64_t>& sizes) {
  HeadTable out;
  out.head_dim = 1;
  for (int64_t round = 0, added = 1; added > 0; ++round) {
    added = 0;
    for (size_t b = 0; b < sizes.size(); ++b) {
      if (round >= sizes[b]) continue;
      ++added;
      out.buckets.push_back(10 + static_cast<int64_t>(b));
      out.positions.push_back(100 * static_cast<int64_t>(b) + round);
      out.example_ids.push_back(round);
      out.vectors.push_back(0);
    }
  }
  return out;
}

std::map<int64_t, int64_t> counts(const HeadTable& table, const std::vector<int64_t>& rows,
                                  size_t prefix) {
  std::map<int64_t, int64_t> out;
  for (size_t i = 0; i < prefix; ++i) ++out[table.buckets[static_cast<size_t>(rows[i])]];
  return out;
}

TEST(ProfilePoints, EveryPrefixIsSpreadOverTheBuckets) {
  const HeadTable table = table_of({40, 3, 40, 25});
  const std::vector<int64_t> rows = draw_point_rows(table, 50, seed_words(7));
  ASSERT_EQ(rows.size(), 50U);
  EXPECT_EQ(std::set<int64_t>(rows.begin(), rows.end()).size(), 50U);
  for (size_t prefix = 1; prefix <= 50; ++prefix) {
    int64_t lowest = 50;
    int64_t highest = 0;
    std::map<int64_t, int64_t> found = counts(table, rows, prefix);
    for (const int64_t bucket : {10, 12, 13}) {
      lowest = std::min(lowest, found[bucket]);
      highest = std::max(highest, found[bucket]);
    }
    EXPECT_LE(highest - lowest, 1) << prefix;
    EXPECT_EQ(found[11] < 3 ? highest - found[11] <= 1 : true, true) << prefix;
  }
  EXPECT_EQ(counts(table, rows, 50)[11], 3);
}

TEST(ProfilePoints, AllRowsIfThereAreFewer) {
  const HeadTable table = table_of({4, 1, 2});
  std::vector<int64_t> rows = draw_point_rows(table, 100, seed_words(1));
  std::sort(rows.begin(), rows.end());
  EXPECT_THAT(rows, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_EQ(draw_point_rows(table, 7, seed_words(1)).size(), 7U);
  EXPECT_EQ(draw_point_rows(table, 1, seed_words(1)).size(), 1U);
}

TEST(ProfilePoints, RowsAreDrawnAtRandom) {
  const HeadTable table = table_of({50, 50});
  std::vector<int64_t> times(100, 0);
  for (int64_t seed = 0; seed < 400; ++seed) {
    for (const int64_t row : draw_point_rows(table, 25, seed_words(seed))) {
      ++times[static_cast<size_t>(row)];
    }
  }
  // 100 each, with a deviation of less than 10.
  for (const int64_t count : times) EXPECT_NEAR(static_cast<double>(count), 100, 45);
  EXPECT_EQ(draw_point_rows(table, 25, seed_words(3)), draw_point_rows(table, 25, seed_words(3)));
  EXPECT_NE(draw_point_rows(table, 25, seed_words(3)), draw_point_rows(table, 25, seed_words(4)));
}

// More buckets than points: not only the first ones.
TEST(ProfilePoints, FewPointsOfManyBuckets) {
  const HeadTable table = table_of(std::vector<int64_t>(300, 2));
  int64_t late = 0;
  for (const int64_t row : draw_point_rows(table, 100, seed_words(2))) {
    if (table.buckets[static_cast<size_t>(row)] >= 160) ++late;
  }
  EXPECT_GT(late, 30);
  EXPECT_LT(late, 70);
}

TEST(ProfilePoints, WhatTheRowsAre) {
  HeadTable table = table_of({2, 1});
  const std::vector<int64_t> rows = {2, 1};
  PointRows found = point_rows(table, rows);
  EXPECT_EQ(found.positions, (std::vector<int64_t>{1, 100}));
  EXPECT_EQ(found.buckets, (std::vector<int64_t>{10, 11}));
  EXPECT_EQ(found.example_ids, (std::vector<int64_t>{1, 0}));
  EXPECT_FALSE(found.has_large_ids);
  table.example_ids.clear();
  EXPECT_TRUE(point_rows(table, rows).example_ids.empty());
}

}  // namespace profile_points_test
}  // namespace qk
