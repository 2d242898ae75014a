// Bucket numbers name buckets and order them; nothing else follows from their values.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "plasticity/measure_head.h"
#include "plasticity/test_replicates.h"

namespace qk::bucket_numbers_test {
namespace {

// random_table() has the buckets 0 to 3.
HeadTable renamed(HeadTable table, const std::vector<int64_t>& names) {
  for (int64_t& bucket : table.buckets) bucket = names[static_cast<size_t>(bucket)];
  return table;
}

HeadMetrics measure(const MeasureOptions& options, const std::vector<int64_t>& names) {
  HeadTable queries = renamed(random_table({}, 1), names);
  HeadTable keys = renamed(random_table({}, 2), names);
  queries.window = keys.window = 40;
  return measure_head(options, {0, 0, 0}, queries, keys, KeyGroups(keys),
                      BucketRanges::observed(queries, keys));
}

TEST(BucketNumbers, NegativeAndWideOnesAreAsGoodAsAny) {
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
  constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();
  for (MeasureOptions options : {options_of("linear"), options_of("bucket"), options_of("online"),
                                 options_of("linear", false, Covariance::kFull)}) {
    options.error_bars = {.kind = ErrorBars::kBootstrap, .replicates = 5};
    options.method_options.min_queries = 8;
    // Numbers of which no width can be inferred, so that windows follow the positions in all cases.
    const std::vector<int64_t> plain = {1, 2, 3, 5};
    const HeadMetrics expected = measure(options, plain);
    ASSERT_GE(expected.buckets.size(), 4U) << options.methods.front();
    for (const std::vector<int64_t>& names :
         {std::vector<int64_t>{-4, -3, -2, -1},
          {-1, 0, 1, 2},
          {kLowest, -1, 0, kHighest},
          {kHighest - 3, kHighest - 2, kHighest - 1, kHighest}}) {
      const HeadMetrics found = measure(options, names);
      EXPECT_EQ(found.ap_overall, expected.ap_overall) << options.methods.front();
      ASSERT_EQ(found.buckets.size(), expected.buckets.size()) << options.methods.front();
      for (size_t i = 0; i < found.buckets.size(); ++i) {
        const auto named = [&](int64_t bucket) {
          return names[static_cast<size_t>(std::ranges::find(plain, bucket) - plain.begin())];
        };
        EXPECT_EQ(found.buckets[i].q_bucket, named(expected.buckets[i].q_bucket));
        EXPECT_EQ(found.buckets[i].k_bucket, named(expected.buckets[i].k_bucket));
        EXPECT_EQ(found.buckets[i].value, expected.buckets[i].value);
      }
    }
  }
}

TEST(BucketNumbers, OnlyTheOriginalLeavesOutQueries) {
  EXPECT_EQ(measure(options_of("linear"), {-2, -1, 0, 1}).num_passed_over, 0);
  EXPECT_EQ(measure(options_of("linear", true), {0, 1, 2, 3}).num_passed_over, 0);
}

TEST(BucketNumbers, TheOriginalPassesOverQueryBucketsThatAreNotAboveZero) {
  const HeadMetrics found = measure(options_of("linear", true), {-2, -1, 0, 1});
  ASSERT_EQ(found.buckets.size(), 3U);
  EXPECT_GT(found.num_passed_over, 0);
  for (const BucketPlasticity& one : found.buckets) EXPECT_EQ(one.q_bucket, 1);
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
  EXPECT_TRUE(measure(options_of("linear", true), {kLowest, kLowest + 1, -1, 0}).buckets.empty());
  // The window of 40 counts buckets there, without an overflow.
  const HeadMetrics wide = measure(options_of("linear", true), {kLowest, -1, 0, 39});
  ASSERT_EQ(wide.buckets.size(), 2U);
  EXPECT_EQ(wide.buckets[0].k_bucket, -1);
}

}  // namespace
}  // namespace qk::bucket_numbers_test
