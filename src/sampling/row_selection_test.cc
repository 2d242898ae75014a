#include "sampling/row_selection.h"

#include <gtest/gtest.h>

#include <vector>

#include "sampling/row_cap.h"

namespace qk {
namespace {

constexpr RowRules kLogRules = {
    .sampler = SamplerType::kLogUniform, .base_rate = 8, .min_bucket_size = 16, .max_rows = {}};

TEST(RowSelection, PositionsOfTheSamplerWithTheirBuckets) {
  const RowSelection found =
      RowSelector(kLogRules, BucketRule::kExact).select(77, 3, Kind::kKey, 1, 500);

  const PositionSampler sampler(SamplerType::kLogUniform, 8, 16);
  ASSERT_GT(found.positions.size(), 20U);
  EXPECT_EQ(found.positions, sampler.select(500, position_seed(77, 3, Kind::kKey)));
  const Buckets buckets(SamplerType::kLogUniform, 16, BucketRule::kExact);
  ASSERT_EQ(found.buckets.size(), found.positions.size());
  for (size_t i = 0; i < found.buckets.size(); ++i) {
    EXPECT_EQ(found.buckets[i], buckets.of(found.positions[i])) << found.positions[i];
  }
}

TEST(RowSelection, TheCapChoosesAmongThePositions) {
  RowRules rules = kLogRules;
  const std::vector<int32_t> all =
      RowSelector(rules, BucketRule::kExact).select(77, 3, Kind::kQuery, 2, 500).positions;
  rules.max_rows = 5;
  const RowSelection capped =
      RowSelector(rules, BucketRule::kExact).select(77, 3, Kind::kQuery, 2, 500);

  EXPECT_EQ(capped.positions, cap_rows(all, 5, row_cap_seed(3, 2, Kind::kQuery, 77)));
  EXPECT_EQ(capped.buckets.size(), 5U);
}

TEST(RowSelection, SharedPositionsAreThoseOfTheFirstLayersQueries) {
  for (const SamplerType type :
       {SamplerType::kLogUniform, SamplerType::kUniform, SamplerType::kAll}) {
    for (const std::optional<int64_t> most :
         {std::optional<int64_t>(), std::optional<int64_t>(7)}) {
      RowRules rules = {.sampler = type, .base_rate = 8, .min_bucket_size = 16, .max_rows = most};
      const RowSelection first =
          RowSelector(rules, BucketRule::kExact).select(77, 0, Kind::kQuery, 0, 500);
      rules.shared_positions = true;
      const RowSelector selector(rules, BucketRule::kExact);
      for (const Kind kind : {Kind::kQuery, Kind::kKey}) {
        const RowSelection found = selector.select(77, 5, kind, 3, 500);
        EXPECT_EQ(found.positions, first.positions);
        EXPECT_EQ(found.buckets, first.buckets);
      }
      if (type == SamplerType::kAll) continue;  // equal in all documents, as the original caps rows
      EXPECT_NE(selector.select(78, 5, Kind::kKey, 3, 500).positions, first.positions);
    }
  }
}

TEST(RowSelection, TheBucketRuleDoesNotChangeTheRows) {
  const RowRules everything = {.base_rate = 1e9, .min_bucket_size = 1 << 20, .max_rows = {}};
  const int64_t num_tokens = 2097151;  // the last position: 2^21 - 2
  const RowSelection exact =
      RowSelector(everything, BucketRule::kExact).select(1, 0, Kind::kKey, 0, num_tokens);
  const RowSelection rounded =
      RowSelector(everything, BucketRule::kFloat32).select(1, 0, Kind::kKey, 0, num_tokens);

  EXPECT_EQ(exact.positions, rounded.positions);
  EXPECT_EQ(exact.buckets.back(), 20);
  EXPECT_EQ(rounded.buckets.back(), 21);
}

}  // namespace
}  // namespace qk
