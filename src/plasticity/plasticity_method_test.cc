// What the methods promise beyond the original: independence of the basis, and defined values for
// degenerate heads.
#include "plasticity/plasticity_method.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plasticity/bucket_law.h"
#include "plasticity/measure_head.h"
#include "plasticity/test_heads.h"

namespace qk {
namespace plasticity_method_test {

MeasureOptions options_of(const char* method) {
  MeasureOptions out;
  out.methods = {method};
  out.covariance = Covariance::kFull;
  out.method_options.min_queries = 8;
  return out;
}

HeadMetrics measure(const MeasureOptions& options, const HeadTable& queries,
                    const HeadTable& keys) {
  return measure_head(options, {}, queries, keys, KeyGroups(keys), BucketRanges::uniform(16));
}

// The vectors turned by 30 degrees in each pair of neighbouring components.
HeadTable turned(HeadTable table) {
  const double c = std::cos(0.5235987755982988);
  const double s = std::sin(0.5235987755982988);
  for (int64_t row = 0; row < table.num_rows(); ++row) {
    float* x = table.vectors.data() + row * table.head_dim;
    for (int64_t j = 0; j + 1 < table.head_dim; ++j) {
      const double a = x[j];
      const double b = x[j + 1];
      x[j] = static_cast<float>(c * a - s * b);
      x[j + 1] = static_cast<float>(s * a + c * b);
    }
  }
  return table;
}

class FullMethods : public testing::TestWithParam<const char*> {};

TEST_P(FullMethods, DoNotDependOnTheBasis) {
  const HeadTable queries = random_table({}, 1);
  const HeadTable keys = random_table({}, 2);
  const MeasureOptions options = options_of(GetParam());
  const double plain = measure(options, queries, keys).ap_overall;
  EXPECT_NEAR(measure(options, turned(queries), turned(keys)).ap_overall, plain, 1e-6);
  MeasureOptions diagonal = options_of("linear");
  diagonal.covariance = Covariance::kDiagonal;
  EXPECT_GT(std::abs(measure(diagonal, turned(queries), turned(keys)).ap_overall -
                     measure(diagonal, queries, keys).ap_overall),
            1e-3);
}

TEST_P(FullMethods, QueriesThatNeverChangeDecideEveryPair) {
  HeadTable queries = random_table({}, 1);
  for (size_t i = 0; i < queries.vectors.size(); ++i) {
    queries.vectors[i] = 1e4F + static_cast<float>(i % static_cast<size_t>(queries.head_dim)) / 3;
  }
  const HeadMetrics metrics = measure(options_of(GetParam()), queries, random_table({}, 2));
  EXPECT_EQ(metrics.ap_overall, 0);
}

TEST_P(FullMethods, ZeroQueriesDecideNothing) {
  HeadTable queries = random_table({}, 1);
  std::fill(queries.vectors.begin(), queries.vectors.end(), 0.0F);
  EXPECT_EQ(measure(options_of(GetParam()), queries, random_table({}, 2)).ap_overall, 1);
}

TEST_P(FullMethods, EqualKeysAreNotCompared) {
  HeadTable keys = random_table({}, 2);
  std::fill(keys.vectors.begin(), keys.vectors.end(), 0.5F);
  const HeadMetrics metrics = measure(options_of(GetParam()), random_table({}, 1), keys);
  EXPECT_TRUE(std::isnan(metrics.ap_overall));
  EXPECT_FALSE(metrics.buckets.empty());
}

TEST_P(FullMethods, OneQueryHasNoLaw) {
  const std::vector<int64_t> last = {random_table({}, 1).num_rows() - 1};
  const HeadTable query = take_rows(random_table({}, 1), last);
  MeasureOptions options = options_of(GetParam());
  options.method_options.min_queries = 2;
  EXPECT_TRUE(std::isnan(measure(options, query, random_table({}, 2)).ap_overall));
}

TEST_P(FullMethods, OneKeyOfEachDocumentCannotBePaired) {
  HeadTable keys = random_table({}, 2);
  for (size_t i = 0; i < keys.example_ids.size(); ++i) {
    keys.example_ids[i] = static_cast<int64_t>(i);
  }
  EXPECT_TRUE(std::isnan(measure(options_of(GetParam()), random_table({}, 1), keys).ap_overall));
  keys.example_ids.clear();
  EXPECT_TRUE(std::isnan(measure(options_of(GetParam()), random_table({}, 1), keys).ap_overall));
}

INSTANTIATE_TEST_SUITE_P(Methods, FullMethods, testing::Values("linear", "bucket", "online"));

TEST(BucketLaw, SmallBucketsTakeThePooledCovariance) {
  HeadTable queries;
  queries.head_dim = 1;
  queries.vectors = {1, 3, 10, 12, 14, 100};
  queries.positions = {0, 0, 1, 1, 1, 2};
  queries.buckets = {0, 0, 1, 1, 1, 2};
  BucketLaw law(queries, 3);
  EXPECT_EQ(law.at(1).mean[0], 12);
  EXPECT_EQ(law.at(1).covariance[0], 4);  // its own: (4 + 4) / 2
  EXPECT_EQ(law.at(0).mean[0], 2);
  EXPECT_DOUBLE_EQ(law.at(0).covariance[0], 10.0 / 3);  // (2 + 8 + 0) / (6 - 3)
  EXPECT_EQ(law.at(2).mean[0], 100);
  EXPECT_DOUBLE_EQ(law.at(2).covariance[0], 10.0 / 3);
}

TEST(Online, SeesOnlyKeysThatTheQueryAttendsTo) {
  HeadTable queries = random_table({.buckets = 6}, 1);
  HeadTable keys = random_table({.buckets = 6}, 2);
  MeasureOptions options = options_of("online");
  for (const BucketPlasticity& row : measure(options, queries, keys).buckets) {
    EXPECT_LE(row.k_bucket, row.q_bucket);
  }
  queries.window = keys.window = 17;
  for (const BucketPlasticity& row : measure(options, queries, keys).buckets) {
    EXPECT_LE(row.k_bucket, row.q_bucket);
    EXPECT_GE(row.k_bucket, row.q_bucket - 1);
  }
}

TEST(Online, FewQueriesHaveNoValue) {
  MeasureOptions options = options_of("online");
  options.method_options.min_queries = 1'000'000;
  const HeadMetrics metrics = measure(options, random_table({}, 1), random_table({}, 2));
  EXPECT_TRUE(std::isnan(metrics.ap_overall));
  EXPECT_EQ(metrics.buckets.size(), 4U);
}

}  // namespace plasticity_method_test
}  // namespace qk
