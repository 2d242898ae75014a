#include "plasticity/bucket_vectors.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plasticity/test_heads.h"

namespace qk {
namespace {

double mean_position(const HeadTable& table) {
  double sum = 0;
  for (const int64_t position : table.positions) sum += static_cast<double>(position);
  return sum / static_cast<double>(table.num_rows());
}

TEST(BucketVectors, AreThePlainMeans) {
  const HeadTable queries = random_table({}, 1);
  HeadTable keys = random_table({.buckets = 3}, 2);  // none in the last bucket
  const QueryFit fit = fit_queries(queries, false);
  const std::vector<BucketVectors> found = bucket_vectors(queries, keys, fit);
  ASSERT_EQ(found.size(), 4U);
  double norm = 0;
  for (const double x : fit.slope) norm += x * x;
  for (int64_t bucket = 0; bucket < 4; ++bucket) {
    const BucketVectors& row = found[static_cast<size_t>(bucket)];
    EXPECT_EQ(row.bucket, bucket);
    const auto lengths = [&](const HeadTable& table, int64_t& rows) {
      double sum = 0;
      rows = 0;
      for (int64_t i = 0; i < table.num_rows(); ++i) {
        if (table.buckets[static_cast<size_t>(i)] != bucket) continue;
        ++rows;
        double square = 0;
        for (const float x : table.vector(i)) square += static_cast<double>(x) * x;
        sum += std::sqrt(square);
      }
      return sum / static_cast<double>(rows);
    };
    int64_t rows = 0;
    EXPECT_NEAR(row.q_norm, lengths(queries, rows), 1e-12);
    EXPECT_EQ(row.queries, rows);
    const double k_norm = lengths(keys, rows);
    EXPECT_EQ(row.keys, rows);
    if (rows > 0) {
      EXPECT_NEAR(row.k_norm, k_norm, 1e-12);
    }
    EXPECT_EQ(std::isnan(row.k_norm), rows == 0);
    std::vector<double> along;
    double line = 0;
    for (int64_t i = 0; i < queries.num_rows(); ++i) {
      if (queries.buckets[static_cast<size_t>(i)] != bucket) continue;
      double product = 0;
      for (size_t j = 0; j < 5; ++j) {
        product += (queries.vector(i)[j] - fit.mean[j]) * fit.slope[j] / std::sqrt(norm);
      }
      along.push_back(product);
      line += static_cast<double>(queries.positions[static_cast<size_t>(i)]);
    }
    double mean = 0;
    for (const double x : along) mean += x / static_cast<double>(along.size());
    double square = 0;
    for (const double x : along) square += (x - mean) * (x - mean);
    EXPECT_NEAR(row.drift_mean, mean, 1e-12);
    line = std::sqrt(norm) * (line / static_cast<double>(along.size()) - mean_position(queries));
    EXPECT_NEAR(row.drift_line, line, 1e-12);
    EXPECT_NEAR(row.drift_sd, std::sqrt(square / static_cast<double>(along.size() - 1)), 1e-12);
  }
}

TEST(BucketVectors, WithoutDriftThereIsNoProjection) {
  HeadTable queries = random_table({}, 1);
  std::fill(queries.vectors.begin(), queries.vectors.end(), 2.0F);
  const std::vector<BucketVectors> found =
      bucket_vectors(queries, queries, fit_queries(queries, false));
  EXPECT_TRUE(std::isnan(found[0].drift_mean) && std::isnan(found[0].drift_sd));
  EXPECT_TRUE(std::isnan(found[0].drift_line));
  EXPECT_NEAR(found[0].q_norm, 2 * std::sqrt(5), 1e-12);
}

}  // namespace
}  // namespace qk
