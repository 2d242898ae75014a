#include "plasticity/query_fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "heads/test_tables.h"
#include "plasticity/query_noise.h"
#include "random/numpy_rng.h"

namespace qk {
namespace {

using Json = nlohmann::json;

HeadTable table_of_regression(const Json& json) {
  HeadTable table;
  for (const Json& t : json["t"]) table.positions.push_back(static_cast<int64_t>(t.get<double>()));
  table.buckets.assign(table.positions.size(), 0);
  for (const Json& row : json["X"]) {
    table.head_dim = std::ssize(row);
    for (const Json& x : row) table.vectors.push_back(x.get<float>());
  }
  return table;
}

void expect_reflection(const std::vector<double>& v, const Json& matrix) {
  for (size_t i = 0; i < v.size(); ++i) {
    for (size_t j = 0; j < v.size(); ++j) {
      EXPECT_NEAR((i == j ? 1.0 : 0.0) - 2 * v[i] * v[j], matrix[i][j].get<double>(), 1e-9);
    }
  }
}

TEST(QueryFit, GivesTheOriginalsRegressionsAndStatistics) {
  const Json vectors = load_vectors("plasticity/statistics.json");
  for (const Json& json : vectors["regression"]) {
    const HeadTable table = table_of_regression(json);
    QueryFit fit = fit_queries(table, /*compat_reference=*/true);
    const std::vector<double> r2 = component_r2(fit, true);
    for (size_t j = 0; j < r2.size(); ++j) {
      EXPECT_NEAR(fit.intercept[j], json["alpha"][j].get<double>(), 1e-9);
      EXPECT_NEAR(fit.slope[j], json["beta"][j].get<double>(), 1e-9);
      EXPECT_NEAR(r2[j], json["r2"][j].get<double>(), 1e-9);
    }
    expect_reflection(fit.reflection, json["H"]);
    const ScalarPredictability scalar = predict_position(table, fit);
    EXPECT_NEAR(scalar.r2, json["scalar"][0].get<double>(), 1e-9);
    EXPECT_NEAR(scalar.mae_baseline, json["scalar"][1].get<double>(), 1e-9);
    EXPECT_NEAR(scalar.mae_proj, json["scalar"][2].get<double>(), 1e-9);
    const std::vector<int64_t> dims =
        NumpyGenerator(3).choice(table.head_dim - 1, std::min<int64_t>(2, table.head_dim - 1));
    const QueryNoise noise =
        measure_noise(table, fit, {.compat_reference = true, .p_alpha = 0.05, .ks_dims = dims});
    EXPECT_NEAR(noise.resid0_skew, json["first_resid"][0].get<double>(), 1e-9);
    EXPECT_NEAR(noise.resid0_kurt, json["first_resid"][1].get<double>(), 1e-9);
    EXPECT_NEAR(noise.resid0_ks_p, json["first_resid"][2].get<double>(), 1e-9);
    const Json& expected = json["noise_max2_alpha0.05_seed3"];
    EXPECT_NEAR(noise.med_abs_skew, expected[0].get<double>(), 1e-9);
    EXPECT_NEAR(noise.med_abs_kurt, expected[1].get<double>(), 1e-9);
    EXPECT_NEAR(noise.med_ks_p, expected[2].get<double>(), 1e-9);
    EXPECT_NEAR(noise.frac_ks_p_lt_alpha, expected[3].get<double>(), 1e-9);
  }
  EXPECT_EQ(vectors["regression"].size(), 3U);
}

TEST(QueryFit, TurnsTheSlopeIntoTheFirstAxis) {
  const Json vectors = load_vectors("plasticity/statistics.json");
  for (const Json& json : vectors["rotation"]) {
    const auto beta = json["beta"].get<std::vector<double>>();
    double squares = 0;
    for (const double x : beta) squares += x * x;
    expect_reflection(reflection_of(beta, std::sqrt(squares), 1), json["H"]);
  }
  EXPECT_EQ(vectors["rotation"].size(), 9U);
}

TEST(QueryFit, ComponentsWithoutVarianceDoNotCountByDefault) {
  QueryFit fit;
  fit.total_ss = {0.5, 0, 1};
  const std::vector<double> r2 = {0.2, 0, 0.6};
  EXPECT_DOUBLE_EQ(mean_r2(fit, r2, false), 0.4);
  EXPECT_DOUBLE_EQ(mean_r2(fit, r2, true), 0.8 / 3);
  fit.total_ss = {0, 0, 0};
  EXPECT_EQ(mean_r2(fit, r2, false), 0);
}

}  // namespace
}  // namespace qk
