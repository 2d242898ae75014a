#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "stats/bootstrap_interval.h"
#include "stats/group_spread.h"
#include "stats/ks_test.h"
#include "stats/normal_cdf.h"
#include "stats/resample_counts.h"
#include "stats/weighted_ks.h"

namespace qk {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(ResampleCounts, EveryReplicateHasAsManyDocuments) {
  const ResampleCounts counts(37, 50, 4);
  EXPECT_EQ(counts.replicates(), 51);
  for (int64_t r = 0; r < counts.replicates(); ++r) {
    int64_t sum = 0;
    for (const uint16_t count : counts.of(r)) sum += count;
    EXPECT_EQ(sum, 37);
  }
  for (const uint16_t count : counts.of(0)) EXPECT_EQ(count, 1);
  // numpy.random.default_rng(0).integers(5, size=...) drawn one by one: 4 3 2 1 1
  const ResampleCounts five(5, 1, 0);
  EXPECT_EQ((std::vector<uint16_t>(five.of(1).begin(), five.of(1).end())),
            (std::vector<uint16_t>{0, 2, 1, 1, 1}));
}

TEST(BootstrapInterval, Percentiles) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  values.push_back(kNaN);
  const Interval interval = bootstrap_interval(60, values, {.confidence = 0.9});
  EXPECT_DOUBLE_EQ(interval.low, 5);
  EXPECT_DOUBLE_EQ(interval.high, 95);
  EXPECT_DOUBLE_EQ(interval.bias, -10);
  EXPECT_NEAR(interval.std_error, std::sqrt(101 * 102 / 12.0), 1e-12);
  EXPECT_EQ(interval.replicates, 101);
}

TEST(BootstrapInterval, BiasCorrectionMovesAgainstTheBias) {
  // Replicates around 48 for an estimate of 50: the truth is nearer 52.
  std::vector<double> values;
  for (int i = 1; i < 1000; ++i) values.push_back(48 + normal_quantile(i / 1000.0));
  const Interval interval =
      bootstrap_interval(50, values, {.confidence = 0.9, .interval = IntervalKind::kBiasCorrected});
  // Phi(2 * 2 - 1.645) and Phi(4 + 1.645): beyond the middle by 2 * 2 -+ 1.645 deviations.
  EXPECT_NEAR(interval.low, 48 + 4 - 1.645, 0.02);
  EXPECT_GT(interval.high, 48 + 3);
  const Interval plain = bootstrap_interval(48, values, {.confidence = 0.9});
  const Interval same =
      bootstrap_interval(48, values, {.confidence = 0.9, .interval = IntervalKind::kBiasCorrected});
  EXPECT_NEAR(plain.low, same.low, 1e-9);
  EXPECT_NEAR(plain.high, same.high, 1e-9);
}

TEST(BootstrapInterval, NothingToSay) {
  EXPECT_TRUE(std::isnan(bootstrap_interval(kNaN, std::vector<double>{1, 2, 3}, {}).low));
  EXPECT_TRUE(std::isnan(bootstrap_interval(1, std::vector<double>{1, kNaN}, {}).low));
  EXPECT_EQ(bootstrap_interval(1, std::vector<double>{1, kNaN}, {}).replicates, 1);
}

TEST(NormalQuantile, InvertsTheDistributionFunction) {
  for (const double p : {1e-6, 0.025, 0.5, 0.975})
    EXPECT_NEAR(normal_cdf(normal_quantile(p)), p, 1e-14);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-12);
}

TEST(WeightedKs, IsTheDistanceOfTheRepeatedRows) {
  std::mt19937 engine(1);
  std::normal_distribution<double> normal(0.3, 1.4);
  for (const size_t rows : {1, 2, 31, 32, 33, 500}) {
    std::vector<double> values(rows);
    std::vector<int64_t> documents(rows);
    for (size_t i = 0; i < rows; ++i) {
      values[i] = i % 7 == 3 && i > 0 ? values[i - 1] : normal(engine);  // ties
      documents[i] = static_cast<int64_t>(i % 9);
    }
    WeightedKs ks(values, documents);
    const ResampleCounts counts(9, 10, 2);
    for (int64_t r = 0; r < counts.replicates(); ++r) {
      std::vector<double> repeated;
      for (size_t i = 0; i < rows; ++i) {
        repeated.insert(repeated.end(), counts.of(r)[static_cast<size_t>(documents[i])],
                        normal_cdf((values[i] - 0.2) / 1.5));
      }
      if (repeated.empty()) continue;
      KsStatistic statistic;
      EXPECT_NEAR(ks.distance(counts.of(r), 0.2, 1.5), statistic(repeated), 1e-14);
    }
  }
}

TEST(GroupSpread, AlikeRowsCountOnce) {
  GroupSpread alike(1);
  GroupSpread different(1);
  std::mt19937 engine(1);
  std::normal_distribution<double> normal;
  for (int64_t document = 0; document < 200; ++document) {
    const double shared = normal(engine);
    for (int i = 0; i < 10; ++i) {
      alike.add(document, &shared);
      const double own = normal(engine);
      different.add(document, &own);
    }
  }
  EXPECT_EQ(alike.size().documents, 200);
  EXPECT_DOUBLE_EQ(alike.size().effective_documents, 200);
  EXPECT_NEAR(alike.size().effective_rows, 200, 1e-6);
  EXPECT_GT(different.size().effective_rows, 1700);
  EXPECT_LE(different.size().effective_rows, 2000);
}

TEST(GroupSpread, UnequalDocuments) {
  GroupSpread spread(1);
  const double x = 1;
  for (int i = 0; i < 8; ++i) spread.add(1, &x);
  spread.add(2, &x);
  EXPECT_DOUBLE_EQ(spread.size().effective_documents, 81.0 / 65);
  EXPECT_EQ(GroupSpread(1).size().documents, 0);
}

}  // namespace
}  // namespace qk
