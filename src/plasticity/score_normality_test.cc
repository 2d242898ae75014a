#include "plasticity/score_normality.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "plasticity/head_seeds.h"
#include "plasticity/test_replicates.h"

namespace qk {
namespace score_normality_test {

// Queries whose components are independent draws; keys of ten to a document and bucket.
HeadTable table_of_draws(int64_t rows_in_bucket, const std::function<double()>& draw) {
  HeadTable out;
  out.head_dim = 3;
  for (int64_t bucket = 0; bucket < 4; ++bucket) {
    for (int64_t row = 0; row < rows_in_bucket; ++row) {
      out.positions.push_back(bucket * 16 + row % 16);
      out.buckets.push_back(bucket);
      out.example_ids.push_back(row % 10);
      for (int64_t j = 0; j < 3; ++j) out.vectors.push_back(static_cast<float>(draw()));
    }
  }
  return out;
}

ScoreNormality measure(const HeadTable& queries, HeadTable keys, bool reference = false) {
  const ReplicatedHead head(options_of("bucket", reference), queries, std::move(keys));
  return score_normality(head.input(), score_pairs_seed(head.options, 0, 0));
}

class ScoreNormalityTest : public testing::Test {
 protected:
  std::mt19937 engine_{7};
  std::normal_distribution<double> normal_;
  HeadTable keys_ = table_of_draws(100, [this] { return normal_(engine_); });
};

TEST_F(ScoreNormalityTest, OfNormalQueriesIsTheFloor) {
  for (const int64_t rows : {30, 2000}) {
    const HeadTable queries = table_of_draws(rows, [this] { return 3 + normal_(engine_); });
    const ScoreNormality found = measure(queries, keys_);
    // 48 correlated scores of three directions: a standard error of about a tenth.
    EXPECT_NEAR(found.ks_distance / found.ks_floor, 1, 0.25) << rows;
    const double n = static_cast<double>(std::min(rows, kScoreRows));
    EXPECT_NEAR(found.ks_floor, 0.62 / std::sqrt(n), 0.04 / std::sqrt(n));
    EXPECT_NEAR(found.kurtosis, 0, rows < 100 ? 0.5 : 0.2);
    EXPECT_LT(found.abs_skew, rows < 100 ? 0.6 : 0.2);
  }
}

// Two points far apart: the distance of a fair coin is Phi(1) - 1/2, its excess kurtosis -2.
TEST_F(ScoreNormalityTest, OfTwoPointsIsFar) {
  HeadTable queries = table_of_draws(400, [] { return 0.0; });
  for (size_t row = 0; row < queries.positions.size(); ++row) {
    const float side = row % 2 == 0 ? 1.0F : -1.0F;
    for (size_t j = 0; j < 3; ++j) queries.vectors[3 * row + j] = side;
  }
  const ScoreNormality found = measure(queries, keys_);
  EXPECT_NEAR(found.ks_distance, 0.3413, 0.003);
  EXPECT_NEAR(found.kurtosis, -2, 0.02);
  EXPECT_NEAR(found.abs_skew, 0, 1e-6);
}

// Of exponential draws along one axis: skewness 2, excess kurtosis 6; keys differ along it only.
TEST_F(ScoreNormalityTest, SkewnessAndKurtosisOfExponentialScores) {
  std::exponential_distribution<double> exponential;
  const HeadTable queries = table_of_draws(3000, [&] { return exponential(engine_); });
  HeadTable keys = keys_;
  for (size_t row = 0; row < keys.positions.size(); ++row) {
    keys.vectors[3 * row + 1] = keys.vectors[3 * row + 2] = 0;
  }
  const ScoreNormality found = measure(queries, keys);
  EXPECT_NEAR(found.abs_skew, 2, 0.7);
  EXPECT_NEAR(found.kurtosis, 6, 3);
  EXPECT_GT(found.ks_distance, found.ks_floor + 0.08);
}

TEST_F(ScoreNormalityTest, NothingToTest) {
  const auto expect_none = [&](const HeadTable& queries, const HeadTable& keys) {
    const ScoreNormality found = measure(queries, keys);
    EXPECT_TRUE(std::isnan(found.ks_distance) && std::isnan(found.ks_floor) &&
                std::isnan(found.abs_skew) && std::isnan(found.kurtosis));
  };
  expect_none(table_of_draws(19, [this] { return normal_(engine_); }), keys_);  // too few
  expect_none(table_of_draws(100, [] { return 2.0; }), keys_);                  // never vary
  expect_none(table_of_draws(100, [this] { return normal_(engine_); }),
              table_of_draws(100, [] { return 2.0; }));  // equal keys
  HeadTable apart = keys_;
  for (size_t row = 0; row < apart.example_ids.size(); ++row) {
    apart.example_ids[row] = static_cast<int64_t>(row);  // no two keys of a document
  }
  expect_none(table_of_draws(100, [this] { return normal_(engine_); }), apart);
}

}  // namespace score_normality_test
}  // namespace qk
