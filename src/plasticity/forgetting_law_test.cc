#include "plasticity/forgetting_law.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/test_vectors.h"
#include "plasticity/pair_plasticity.h"
#include "plasticity/score_moments.h"

namespace qk {
namespace {

using Rows = std::vector<std::vector<double>>;

TEST(ForgettingLaw, AsTheOriginalsSketch) {
  const nlohmann::json file = load_vectors("plasticity/ewma_full_cov.json");
  ASSERT_FALSE(file["cases"].empty());
  for (const auto& c : file["cases"]) {
    const auto queries = c["queries"].get<Rows>();
    const auto pairs = c["key_differences"].get<Rows>();
    const auto d = static_cast<int64_t>(queries[0].size());
    VectorBlocks differences(static_cast<int64_t>(pairs.size()), d);
    for (int64_t n = 0; n < differences.count; ++n) {
      for (int64_t j = 0; j < d; ++j) differences.at(n, j) = pairs[n][j];
    }
    const std::vector<double> origin(queries[0].size());
    ForgettingLaw law(origin, c["alpha"].get<double>(), ForgettingStart::kZero);
    for (size_t t = 0; t < queries.size(); ++t) {
      if (c["observed"][t].get<bool>()) {
        const double one = 1;
        law.forget(1);
        law.observe({queries[t].data(), {1, d}}, {&one, 1});
      }
      const GaussianLaw now = law.law();
      for (int64_t i = 0; i < d; ++i) {
        EXPECT_NEAR(now.mean[i], c["mu"][t][i].get<double>(), 1e-12);
        for (int64_t j = 0; j <= i; ++j) {
          EXPECT_NEAR(now.covariance[i * d + j], c["sigma"][t][i][j].get<double>(), 1e-12);
        }
      }
      const ScoreMoments scores = score_moments(now, differences);
      for (size_t n = 0; n < pairs.size(); ++n) {
        EXPECT_NEAR(pair_plasticity(scores.mean[n], scores.variance[n]),
                    c["ap_pairs"][t][n].get<double>(), 1e-9)
            << "alpha " << c["alpha"] << " step " << t << " pair " << n;
      }
    }
  }
}

TEST(ForgettingLaw, WithoutAZeroQueryConstantQueriesHaveTheirOwnMean) {
  const std::vector<double> query = {1e6 + 1.0 / 3, -7.1};
  ForgettingLaw law(query, 0.01, ForgettingStart::kFirst);
  EXPECT_EQ(law.effective_queries(), 0);
  const std::vector<double> two = {query[0], query[1], query[0], query[1]};
  const std::vector<double> ones = {1, 1};
  law.observe({two.data(), {2, 2}}, ones);
  law.forget(3.5);
  EXPECT_DOUBLE_EQ(law.effective_queries(), 2);
  EXPECT_EQ(law.law().mean, query);
  EXPECT_EQ(law.law().covariance[0], 0);
  EXPECT_EQ(law.law().covariance[3], 0);
}

TEST(ForgettingLaw, IsUnbiasedForEqualWeights) {
  const std::vector<double> x = {1, 4, 7};
  const std::vector<double> ones = {1, 1, 1};
  ForgettingLaw law(std::vector<double>{1}, 0.5, ForgettingStart::kFirst);
  law.observe({x.data(), {3, 1}}, ones);
  EXPECT_DOUBLE_EQ(law.law().mean[0], 4);
  EXPECT_DOUBLE_EQ(law.law().covariance[0], 9);
}

TEST(ForgettingLaw, OneQueryHasNoCovariance) {
  const double one = 1;
  ForgettingLaw law(std::vector<double>{2}, 0.5, ForgettingStart::kFirst);
  EXPECT_TRUE(std::isnan(law.law().mean[0]));
  const double x = 5;
  law.observe({&x, {1, 1}}, {&one, 1});
  EXPECT_EQ(law.law().mean[0], 5);
  EXPECT_TRUE(std::isnan(law.law().covariance[0]));
}

// (1 - 2^-50)^(2^50) is 1/e to 2^-51; 1 - 2^-50 itself is exact, 1 - 2^-55 rounds to 1.
TEST(KeptWeight, FollowsTheTiniestAlpha) {
  EXPECT_NEAR(kept_weight(0x1p-50, 0x1p50), std::exp(-1.0), 1e-14);
  EXPECT_NEAR(kept_weight(0x1p-55, 0x1p55), std::exp(-1.0), 1e-14);
  EXPECT_EQ(kept_weight(0.25, 2), 0.5625);
  EXPECT_EQ(kept_weight(1, 0), 1);
  EXPECT_EQ(kept_weight(1, 3), 0);
}

}  // namespace
}  // namespace qk
