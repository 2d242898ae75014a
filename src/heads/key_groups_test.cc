#include "heads/key_groups.h"

#include <gtest/gtest.h>

#include <set>

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

}  // namespace
}  // namespace qk
