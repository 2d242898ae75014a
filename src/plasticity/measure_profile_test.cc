#include "plasticity/measure_profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "plasticity/measure_head.h"
#include "plasticity/score_planes.h"
#include "plasticity/test_replicates.h"
#include "stats/document_interval.h"
#include "stats/lilliefors.h"
#include "stats/normal_cdf.h"

namespace qk {
namespace measure_profile_test {

HeadRope rope_of_two() {
  HeadRope out;
  out.rope_set = 0;
  out.pairs = {{0, 1, 3, 0.1}, {1, 0, 2, 0.001}};  // the second holds the component that drifts
  out.unrotated = {4};
  out.is_rotated = true;
  return out;
}

HeadMetrics measure(const HeadTable& queries, const HeadTable& keys, int64_t points = 40,
                    const HeadRope* rope = nullptr, const VectorMoments* moments = nullptr) {
  MeasureOptions options = options_of("bucket");
  options.profile_points = points;
  const HeadId head{.layer = 3, .q_head = 5, .k_head = 1};
  return measure_head(options, head, queries, keys, KeyGroups(keys), BucketRanges::uniform(16),
                      rope, moments);
}

// Normal queries around a line, component by component.
HeadTable normal_head(int64_t rows, int64_t dim, double drift, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  HeadTable out;
  out.head_dim = dim;
  for (int64_t row = 0; row < rows; ++row) {
    const auto position = static_cast<int64_t>(engine() % 256);
    out.positions.push_back(position);
    out.buckets.push_back(position / 16);
    out.example_ids.push_back(row % 20);
    for (int64_t j = 0; j < dim; ++j) {
      const double deviation = j == 2 ? 3 : 1;
      const double mean = j == 0 ? drift * static_cast<double>(position) : 0.0;
      out.vectors.push_back(static_cast<float>(mean + deviation * normal(engine)));
    }
  }
  return out;
}

// Distance of a standardised sample from the normal distribution, number by number.
double naive_distance(std::vector<double> sample) {
  std::sort(sample.begin(), sample.end());
  const auto n = static_cast<double>(sample.size());
  double mean = 0;
  for (const double x : sample) mean += x / n;
  double squares = 0;
  for (const double x : sample) squares += (x - mean) * (x - mean);
  const double deviation = std::sqrt(squares / (n - 1));
  double out = 0;
  for (size_t i = 0; i < sample.size(); ++i) {
    const double p = normal_cdf((sample[i] - mean) / deviation);
    out = std::max({out, p - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - p});
  }
  return out;
}

// q H: the rotated components of a row, H = I - 2 v v'.
std::vector<double> rotated(const HeadTable& queries, const QueryFit& fit, int64_t row) {
  const std::span<const float> x = queries.vector(row);
  double along = 0;
  for (size_t j = 0; j < x.size(); ++j) along += 2 * x[j] * fit.reflection[j];
  std::vector<double> out;
  for (size_t j = 0; j < x.size(); ++j) out.push_back(x[j] - along * fit.reflection[j]);
  return out;
}

TEST(MeasureProfile, QuantilesAreThoseOfSortedData) {
  EXPECT_EQ(quantiles_of(std::vector<double>{4, 1, 3, 2}, 2), (std::vector<double>{1.75, 3.25}));
  EXPECT_EQ(quantiles_of(std::vector<double>{7}, 3), (std::vector<double>{7, 7, 7}));
  EXPECT_TRUE(std::isnan(quantiles_of({}, 1)[0]));
  // numpy.quantile([-3, 10, 0.5, 4, 4, 100], (numpy.arange(5) + 0.5) / 5)
  const std::vector<double> found = quantiles_of(std::vector<double>{-3, 10, 0.5, 4, 4, 100}, 5);
  const std::vector<double> expected = {-1.25, 2.25, 4, 7, 55};
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(found[i], expected[i], 1e-12);
}

TEST(MeasureProfile, ResidualsAndNoiseAreThoseOfTheRotatedQueries) {
  const HeadTable queries = random_table({.documents = 40}, 1);
  const HeadMetrics head = measure(queries, random_table({}, 2));
  const HeadProfile& found = *head.profile;
  const QueryFit fit = fit_queries(queries, false);
  EXPECT_EQ(found.beta, fit.slope);
  std::vector<std::vector<double>> columns(5);
  for (int64_t row = 0; row < queries.num_rows(); ++row) {
    const std::vector<double> x = rotated(queries, fit, row);
    const double moved = fit.centered_positions[static_cast<size_t>(row)];
    columns[0].push_back(x[0] - fit.slope_norm * moved);
    for (size_t j = 1; j < 5; ++j) columns[j].push_back(x[j]);
  }
  EXPECT_NEAR(found.ks_distance, naive_distance(columns[0]), 1e-12);
  EXPECT_EQ(found.noise_components, (std::vector<int64_t>{1, 2, 3, 4}));
  for (size_t j = 1; j < 5; ++j) {
    EXPECT_NEAR(found.noise_ks_distances[j - 1], naive_distance(columns[j]), 1e-12) << j;
  }
  EXPECT_EQ(lilliefors_p_value(queries.num_rows(), found.ks_distance), head.q_resid0_ks_p);
  // Standardised: sorted by hand.
  std::vector<double>& residuals = columns[0];
  const auto n = static_cast<double>(residuals.size());
  double mean = 0;
  for (const double x : residuals) mean += x / n;
  double squares = 0;
  for (double& x : residuals) squares += (x - mean) * (x - mean);
  for (double& x : residuals) x = (x - mean) / std::sqrt(squares / (n - 1));
  std::sort(residuals.begin(), residuals.end());
  ASSERT_EQ(found.residual_quantiles.size(), 129U);
  for (size_t i = 0; i < 129; ++i) {
    const double place = (static_cast<double>(i) + 0.5) / 129 * (n - 1);
    const auto below = static_cast<size_t>(std::floor(place));
    const double part = place - std::floor(place);
    EXPECT_NEAR(found.residual_quantiles[i],
                (1 - part) * residuals[below] + part * residuals[below + 1], 1e-12);
  }
}

TEST(MeasureProfile, NormalResidualsHaveNormalQuantiles) {
  const HeadTable queries = normal_head(20000, 24, 0.05, 5);
  const HeadProfile found = *measure(queries, normal_head(500, 24, 0, 6)).profile;
  // Of normal samples of 20,000 D is 0.0045 on average, and above 0.0075 once in a thousand.
  EXPECT_LT(found.ks_distance, 0.0075);
  for (const double distance : found.noise_ks_distances) EXPECT_LT(distance, 0.009);
  for (size_t i = 0; i < 129; ++i) {
    const double level = (static_cast<double>(i) + 0.5) / 129;
    EXPECT_NEAR(found.residual_quantiles[i], normal_quantile(level),
                i < 2 || i > 126 ? 0.12 : 0.06);
  }
  // Variances 9, and 1 of the 23 others.
  ASSERT_EQ(found.eigenvalues.size(), 16U);
  EXPECT_NEAR(found.eigenvalues[0], 9.0 / 32, 0.01);
  for (size_t i = 1; i < 16; ++i) EXPECT_NEAR(found.eigenvalues[i], 1.0 / 32, 0.003);
  EXPECT_NEAR(found.beta[0], 0.05, 1e-3);
}

TEST(MeasureProfile, EigenvaluesAreSharesOfTheResidualsVariance) {
  const HeadTable queries = random_table({.drift = 0.3}, 1);
  const HeadProfile found = *measure(queries, random_table({}, 2)).profile;
  ASSERT_EQ(found.eigenvalues.size(), 5U);
  const QueryFit fit = fit_queries(queries, false);
  // Their sums, and sums of squares, from the residuals themselves.
  std::vector<double> covariance(25, 0.0);
  for (int64_t row = 0; row < queries.num_rows(); ++row) {
    double x[5];
    for (size_t j = 0; j < 5; ++j) {
      x[j] = queries.vector(row)[j] - fit.mean[j] -
             fit.slope[j] * fit.centered_positions[static_cast<size_t>(row)];
    }
    for (size_t i = 0; i < 25; ++i) covariance[i] += x[i / 5] * x[i % 5];
  }
  double trace = 0;
  double squares = 0;
  for (size_t i = 0; i < 25; ++i) {
    squares += covariance[i] * covariance[i];
    if (i % 6 == 0) trace += covariance[i];
  }
  double sum_of_shares = 0;
  double squares_of_shares = 0;
  for (const double share : found.eigenvalues) {
    sum_of_shares += share;
    squares_of_shares += share * share;
  }
  EXPECT_NEAR(sum_of_shares, 1, 1e-12);
  EXPECT_NEAR(squares_of_shares, squares / (trace * trace), 1e-12);
  EXPECT_TRUE(std::is_sorted(found.eigenvalues.rbegin(), found.eigenvalues.rend()));
}

TEST(MeasureProfile, TheDriftIsSeenAlongBeta) {
  const HeadTable queries = normal_head(4000, 6, 0.05, 5);
  const HeadTable keys = normal_head(1000, 6, 0, 6);
  const HeadProfile found = *measure(queries, keys, 200).profile;
  ASSERT_EQ(found.beta_plane.queries.size(), 400U);
  double early = 0;
  double late = 0;
  for (size_t i = 0; i < 200; ++i) {
    if (found.query_rows->positions[i] < 64)
      early = std::max<double>(early, found.beta_plane.queries[2 * i]);
    if (found.query_rows->positions[i] >= 192) late += found.beta_plane.queries[2 * i] / 50;
  }
  EXPECT_GT(late, early);
  // y is component 2, whose deviation is 3.
  const VectorMoments moments = vector_moments(queries);
  double square = 0;
  for (size_t i = 0; i < 200; ++i) square += std::pow(found.beta_plane.queries[2 * i + 1], 2) / 200;
  double others = 0;
  for (size_t i = 0; i < 200; ++i) others += std::pow(found.beta_plane.keys[2 * i], 2) / 200;
  EXPECT_GT(square, others);
  EXPECT_GT(found.joint_plane.share, found.beta_plane.share * 0.9);
}

TEST(MeasureProfile, TheRopePlaneIsThePairThatHoldsMostPosition) {
  const HeadTable queries = random_table({.most_rows = 20, .drift = 0.2}, 1);
  const HeadTable keys = random_table({}, 2);
  const HeadRope rope = rope_of_two();
  const HeadMetrics head = measure(queries, keys, 30, &rope);
  EXPECT_GT(head.diagnostics->rope_pairs[1].position_share,
            head.diagnostics->rope_pairs[0].position_share);
  const HeadProfile& found = *head.profile;
  EXPECT_EQ(found.rope_pair, 1);
  // Components 0 and 2.
  const VectorMoments of_queries = vector_moments(queries);
  const VectorMoments of_keys = vector_moments(keys);
  const QueryFit fit = fit_queries(queries, false);
  const std::vector<double> residuals = residual_covariance(fit, of_queries);
  const ScorePlanes planes(fit, of_queries, of_keys, residuals);
  const double share = planes.share(*planes.components(0, 2));
  EXPECT_NEAR(found.rope_plane.share, share, 1e-12);
  EXPECT_EQ(found.rope_plane.queries.size(), 60U);
  EXPECT_FALSE(measure(queries, keys).profile->rope_pair);
  EXPECT_TRUE(measure(queries, keys).profile->rope_plane.queries.empty());
  EXPECT_TRUE(std::isnan(measure(queries, keys).profile->rope_plane.share));
}

// All heads of a layer have the same rows, so they have the same points; keys are drawn anew.
TEST(MeasureProfile, HeadsOfALayerShareTheirPoints) {
  HeadTable queries = random_table({}, 1);
  const HeadTable keys = random_table({}, 2);
  const HeadProfile first = *measure(queries, keys).profile;
  for (float& x : queries.vectors) x = 2 * x + 1;
  const VectorMoments moments = vector_moments(keys);
  MeasureOptions options = options_of("bucket");
  options.profile_points = 40;
  const HeadProfile second = *measure_head(options, {3, 6, 1}, queries, keys, KeyGroups(keys),
                                           BucketRanges::uniform(16), nullptr, &moments)
                                  .profile;
  EXPECT_EQ(*first.query_rows, *second.query_rows);
  EXPECT_EQ(*first.key_rows, *second.key_rows);
  const HeadProfile other_layer =
      *measure_head(options, {4, 6, 1}, queries, keys, KeyGroups(keys), BucketRanges::uniform(16))
           .profile;
  EXPECT_NE(*first.query_rows, *other_layer.query_rows);
  EXPECT_EQ(second.beta_plane.share, measure(queries, keys).profile->beta_plane.share);
}

TEST(MeasureProfile, ProfilesChangeNothingElse) {
  const HeadTable queries = random_table({}, 1);
  const HeadTable keys = random_table({}, 2);
  const HeadMetrics with = measure(queries, keys);
  const HeadMetrics without = measure_head(options_of("bucket"), {3, 5, 1}, queries, keys,
                                           KeyGroups(keys), BucketRanges::uniform(16));
  EXPECT_FALSE(without.profile);
  for (const MetricField& field : metric_fields()) {
    EXPECT_EQ(with.*field.value, without.*field.value) << field.name;
  }
}

TEST(MeasureProfile, WhatCannotBeSaidIsMissing) {
  const HeadTable keys = random_table({}, 2);
  const HeadTable two = take_rows(random_table({}, 1), std::vector<int64_t>{0, 9});
  const HeadProfile of_two = *measure(two, keys).profile;
  EXPECT_TRUE(std::isnan(of_two.ks_distance));
  EXPECT_EQ(of_two.residual_quantiles.size(), 129U);
  EXPECT_TRUE(std::isnan(of_two.residual_quantiles[64]));
  EXPECT_TRUE(of_two.eigenvalues.empty());
  EXPECT_EQ(of_two.noise_ks_distances.size(), 4U);
  EXPECT_TRUE(std::isnan(of_two.noise_ks_distances[0]));
  EXPECT_TRUE(of_two.beta_plane.queries.empty());
  EXPECT_EQ(of_two.joint_plane.queries.size(), 4U);
  HeadTable constant = random_table({}, 1);
  for (size_t i = 0; i < constant.vectors.size(); ++i) {
    if (i % 5 == 4) constant.vectors[i] = 0.3F;
  }
  const HeadProfile of_constant = *measure(constant, keys).profile;
  EXPECT_EQ(std::count_if(of_constant.eigenvalues.begin(), of_constant.eigenvalues.end(),
                          [](double x) { return x > 1e-12; }),
            4);
  // One bucket, one number in each vector.
  const HeadTable narrow = random_table({.buckets = 1, .dim = 1}, 1);
  const HeadProfile of_narrow = *measure(narrow, random_table({.dim = 1}, 2)).profile;
  EXPECT_TRUE(of_narrow.noise_components.empty());
  EXPECT_EQ(of_narrow.eigenvalues, std::vector<double>{1});
  EXPECT_TRUE(of_narrow.joint_plane.queries.empty());
  EXPECT_TRUE(std::isnan(of_narrow.joint_plane.share));
}

TEST(MeasureProfile, MemoryGrowsWithWhatIsWanted) {
  MeasureOptions options;
  EXPECT_EQ(profile_bytes(options, 1000, 64), 0);
  options.profile_points = 256;
  EXPECT_GE(profile_bytes(options, 1000, 64), 4 * 1000 * 8 + 12 * 64 * 64 * 8);
  EXPECT_LT(profile_bytes(options, 50000, 128), int64_t{16} << 20);
}

}  // namespace measure_profile_test
}  // namespace qk
