#include "plasticity/measure_diagnostics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plasticity/measure_head.h"
#include "plasticity/test_replicates.h"

namespace qk {
namespace measure_diagnostics_test {

HeadRope rope_of_two() {
  HeadRope out;
  out.rope_set = 0;
  out.pairs = {{0, 0, 2, 0.1}, {1, 1, 3, 0.001}};
  out.unrotated = {4};
  out.is_rotated = true;
  return out;
}

HeadDiagnostics measure(const MeasureOptions& options, const HeadTable& queries,
                        const HeadTable& keys, const HeadRope* rope = nullptr) {
  const HeadMetrics head =
      measure_head(options, {}, queries, keys, KeyGroups(keys), BucketRanges::uniform(16), rope);
  return *head.diagnostics;
}

TEST(MeasureDiagnostics, FillsEverything) {
  const HeadTable queries = random_table({.most_rows = 20}, 1);
  const HeadTable keys = random_table({}, 2);
  const HeadRope rope = rope_of_two();
  MeasureOptions options = options_of("bucket");
  options.error_bars.kind = ErrorBars::kJackknife;
  const HeadDiagnostics found = measure(options, queries, keys, &rope);
  EXPECT_EQ(found.documents, 12);
  EXPECT_NEAR(found.position_share,
              (found.bucket_r2 - found.position_floor) / (1 - found.position_floor), 1e-12);
  EXPECT_LT(found.position_interval.low, found.position_share);
  EXPECT_GT(found.position_interval.high, found.position_share);
  EXPECT_GT(found.position_interval.std_error, 0);
  EXPECT_GT(found.score_ks_distance, 0);
  EXPECT_GT(found.score_ks_floor, 0);
  ASSERT_EQ(found.rope_pairs.size(), 3U);
  EXPECT_NEAR(found.turn_share,
              found.rope_pairs[0].variance_share * found.rope_pairs[0].turn_share +
                  found.rope_pairs[1].variance_share * found.rope_pairs[1].turn_share,
              1e-12);
  EXPECT_EQ(found.buckets.size(), 4U);
  // The share of the head is the mean of the pairs', weighted with their variance.
  double bucket_r2 = 0;
  for (const RopePairShare& pair : found.rope_pairs) {
    bucket_r2 += pair.variance_share * pair.bucket_r2;
  }
  EXPECT_NEAR(bucket_r2, found.bucket_r2, 1e-12);
}

TEST(MeasureDiagnostics, WithoutErrorBarsAndRopeTheyAreLeftOut) {
  const HeadDiagnostics found =
      measure(options_of("bucket"), random_table({}, 1), random_table({}, 2));
  EXPECT_FALSE(std::isnan(found.position_share));
  EXPECT_FALSE(found.position_interval.has_value());
  EXPECT_TRUE(std::isnan(found.turn_share));
  EXPECT_TRUE(found.rope_pairs.empty());
}

TEST(MeasureDiagnostics, WithoutDocumentsThereIsNoShare) {
  HeadTable queries = random_table({}, 1);
  queries.example_ids.clear();
  const HeadDiagnostics found = measure(options_of("bucket"), queries, random_table({}, 2));
  EXPECT_TRUE(std::isnan(found.position_share) && std::isnan(found.bucket_r2) &&
              std::isnan(found.position_floor) && std::isnan(found.line_share));
  EXPECT_EQ(found.buckets.size(), 4U);
}

TEST(MeasureDiagnostics, NoneWithCompatReference) {
  const HeadTable table = random_table({}, 1);
  EXPECT_FALSE(measure_head(options_of("linear", true), {}, table, table, KeyGroups(table),
                            BucketRanges::uniform(16))
                   .diagnostics);
}

// The same queries and positions far from 0, and rows in another order.
TEST(MeasureDiagnostics, DoNotDependOnWherePositionsBegin) {
  HeadTable queries = random_table({.most_rows = 20}, 1);
  HeadTable keys = random_table({}, 2);
  const HeadRope rope = rope_of_two();
  const HeadDiagnostics before = measure(options_of("bucket"), queries, keys, &rope);
  for (HeadTable* table : {&queries, &keys}) {
    for (int64_t& position : table->positions) position += int64_t{1} << 40;
  }
  const HeadDiagnostics after = measure(options_of("bucket"), queries, keys, &rope);
  EXPECT_NEAR(after.position_share, before.position_share, 1e-9);
  EXPECT_NEAR(after.line_share, before.line_share, 1e-9);
  EXPECT_NEAR(after.turn_share, before.turn_share, 1e-5);
}

}  // namespace measure_diagnostics_test
}  // namespace qk
