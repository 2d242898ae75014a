// Metrics of the queries in every replicate against the same metrics of the repeated rows.
#include "plasticity/metric_replicates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "plasticity/test_replicates.h"
#include "stats/dense_products.h"
#include "stats/median.h"
#include "stats/moments.h"

namespace qk {
namespace metric_replicates_test {

std::vector<HeadMetrics> replicates_of(const ReplicatedHead& head) {
  std::vector<HeadMetrics> out(static_cast<size_t>(head.counts.replicates()));
  const QueryReplicateInput input{head.queries, head.fit, head.documents, head.counts};
  replicate_fit_metrics(input, head.options.compat_reference, out);
  replicate_noise_metrics(input, head.noise, out);
  return out;
}

// Projections in float32 against projections in float64.
constexpr double kFloatProjections = 1e-6;

void expect_fit_metrics(const ReplicatedHead& head) {
  const bool reference = head.options.compat_reference;
  const std::vector<HeadMetrics> found = replicates_of(head);
  for (int64_t r = 0; r < head.counts.replicates(); ++r) {
    const std::string what = "replicate " + std::to_string(r);
    const HeadTable repeated = head.repeated(r);
    const QueryFit fit = fit_queries(repeated, reference);
    const HeadMetrics& metrics = found[static_cast<size_t>(r)];
    EXPECT_NEAR(metrics.q_r2_pos, mean_r2(fit, component_r2(fit, reference), reference), 1e-11)
        << what;
    EXPECT_NEAR(metrics.q_beta_norm, fit.slope_norm, 1e-11) << what;
    const ScalarPredictability scalar = predict_position(repeated, fit);
    EXPECT_NEAR(metrics.q_r2_scalar, scalar.r2, kFloatProjections) << what;
    EXPECT_NEAR(metrics.q_mae_baseline, scalar.mae_baseline, kFloatProjections) << what;
    EXPECT_NEAR(metrics.q_mae_proj, scalar.mae_proj, kFloatProjections) << what;
    const bool has_error = scalar.mae_baseline > 1e-12;
    EXPECT_NEAR(metrics.q_mae_ratio, has_error ? scalar.mae_proj / scalar.mae_baseline : 1,
                kFloatProjections)
        << what;
  }
}

// Component j of the repeated rows in the rotated basis of the sample.
std::vector<double> rotated_column(const ReplicatedHead& head, const HeadTable& repeated,
                                   size_t j) {
  std::vector<double> out;
  for (int64_t row = 0; row < repeated.num_rows(); ++row) {
    const std::span<const float> x = repeated.vector(row);
    double along = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      along += (static_cast<double>(x[i]) - head.fit.mean[i]) * head.fit.reflection[i];
    }
    out.push_back(static_cast<double>(x[j]) - head.fit.mean[j] -
                  2 * along * head.fit.reflection[j]);
  }
  return out;
}

void subtract_line(const HeadTable& table, std::vector<double>& column) {
  const auto n = static_cast<double>(column.size());
  double mean = 0;
  double mean_position = 0;
  for (size_t i = 0; i < column.size(); ++i) {
    mean += column[i] / n;
    mean_position += static_cast<double>(table.positions[i]) / n;
  }
  double products = 0;
  double squares = 0;
  for (size_t i = 0; i < column.size(); ++i) {
    const double t = static_cast<double>(table.positions[i]) - mean_position;
    products += t * (column[i] - mean);
    squares += t * t;
  }
  for (size_t i = 0; i < column.size(); ++i) {
    const double t = static_cast<double>(table.positions[i]) - mean_position;
    column[i] -= mean + products / squares * t;
  }
}

struct Shape {
  double skew = 0;
  double kurtosis = 0;
  bool is_constant = false;
};

Shape shape_of(std::vector<double> column) {
  const auto n = static_cast<double>(column.size());
  double mean = 0;
  for (const double x : column) mean += x / n;
  double sums[4] = {};
  for (double& x : column) {
    x -= mean;
    for (int k = 0; k < 4; ++k) sums[k] += std::pow(x, k + 1);
  }
  const CentralMoments moments = central_moments(std::ssize(column), sums);
  return {skewness(moments), excess_kurtosis(moments), moments.m2 == 0};
}

void expect_noise_metrics(const ReplicatedHead& head) {
  const std::vector<HeadMetrics> found = replicates_of(head);
  for (int64_t r = 0; r < head.counts.replicates(); ++r) {
    const std::string what = "replicate " + std::to_string(r);
    const HeadMetrics& metrics = found[static_cast<size_t>(r)];
    const HeadTable repeated = head.repeated(r);
    std::vector<double> first = rotated_column(head, repeated, 0);
    subtract_line(repeated, first);
    const Shape residuals = shape_of(first);
    EXPECT_NEAR(metrics.q_resid0_skew, residuals.skew, 1e-9) << what;
    EXPECT_NEAR(metrics.q_resid0_kurt, residuals.kurtosis, 1e-9) << what;
    std::vector<double> skews;
    std::vector<double> kurtoses;
    for (int64_t j = 1; j < head.queries.head_dim; ++j) {
      const std::vector<double> column = rotated_column(head, repeated, static_cast<size_t>(j));
      const Shape shape = shape_of(column);
      if (shape.is_constant) continue;
      skews.push_back(std::abs(shape.skew));
      kurtoses.push_back(std::abs(shape.kurtosis));
    }
    EXPECT_NEAR(metrics.q_noise_med_abs_skew, median(skews), 1e-9) << what;
    EXPECT_NEAR(metrics.q_noise_med_abs_kurt, median(kurtoses), 1e-9) << what;
  }
}

// Component 1 of every query is 2.5: it is neither tested nor counted.
ReplicatedHead with_dead_component(const MeasureOptions& options) {
  HeadTable queries = random_table({}, 1);
  for (int64_t row = 0; row < queries.num_rows(); ++row) {
    queries.vectors[static_cast<size_t>(row * queries.head_dim + 1)] = 2.5F;
  }
  return {options, queries, random_table({}, 2)};
}

TEST(MetricReplicates, StartAtTheEstimate) {
  for (const bool reference : {false, true}) {
    const ReplicatedHead head(options_of("linear", reference));
    const HeadMetrics first = replicates_of(head).front();
    EXPECT_NEAR(first.q_resid0_skew, head.measured.resid0_skew, 1e-11);
    EXPECT_NEAR(first.q_resid0_kurt, head.measured.resid0_kurt, 1e-11);
    EXPECT_NEAR(first.q_noise_med_abs_skew, head.measured.med_abs_skew, 1e-11);
    EXPECT_NEAR(first.q_noise_med_abs_kurt, head.measured.med_abs_kurt, 1e-11);
  }
}

TEST(MetricReplicates, FitOfTheRepeatedRows) {
  for (const bool reference : {false, true}) {
    expect_fit_metrics(ReplicatedHead(options_of("linear", reference)));
    expect_fit_metrics(with_dead_component(options_of("linear", reference)));
  }
}

// All queries of the first of two documents lie at one position, the mean of all: a replicate of
// this document alone has no slope, the replicates after it have one.
TEST(MetricReplicates, FitOfReplicatesWithoutASlope) {
  constexpr int64_t kMiddle = 64;
  HeadTable queries = random_table({.documents = 2}, 1);
  const int64_t first_document = queries.example_ids.front();
  int64_t others = 0;
  for (size_t row = 0; row < queries.positions.size(); ++row) {
    int64_t away = 0;
    if (queries.example_ids[row] != first_document) {
      away = others % 2 == 0 ? 1 + others / 2 : -1 - others / 2;
      ++others;
    }
    queries.positions[row] = kMiddle + away;
  }
  if (others % 2 == 1) queries.positions.back() = kMiddle;
  for (const bool reference : {false, true}) {
    const ReplicatedHead head(options_of("linear", reference), queries,
                              random_table({.documents = 2}, 2));
    ASSERT_EQ(head.fit.mean_position, kMiddle);
    bool has_none = false;
    bool has_one_after = false;
    for (int64_t r = 0; r < kBlockWidth; ++r) {
      if (head.counts.at(r, 0) == 2) has_none = true;
      if (head.counts.at(r, 0) < 2 && has_none) has_one_after = true;
    }
    ASSERT_TRUE(has_one_after);
    expect_fit_metrics(head);
  }
}

TEST(MetricReplicates, NoiseOfTheRepeatedRows) {
  for (const bool reference : {false, true}) {
    expect_noise_metrics(ReplicatedHead(options_of("linear", reference)));
    expect_noise_metrics(with_dead_component(options_of("linear", reference)));
  }
}

// Residuals of an exact line are rounding: by default they are not judged, in no replicate.
TEST(MetricReplicates, NoiseOfAnExactLine) {
  HeadTable queries = random_table({.dim = 3}, 1);
  for (int64_t row = 0; row < queries.num_rows(); ++row) {
    const auto t = static_cast<float>(queries.positions[static_cast<size_t>(row)]);
    float* x = queries.vectors.data() + row * 3;
    x[0] = 1 + 0.25F * t;
    x[1] = 2 + 0.75F * t;
    x[2] = 3 - 0.5F * t;
  }
  const ReplicatedHead head(options_of("linear"), queries, random_table({.dim = 3}, 2));
  ASSERT_TRUE(std::isnan(head.measured.resid0_skew));
  for (const HeadMetrics& metrics : replicates_of(head)) {
    EXPECT_TRUE(std::isnan(metrics.q_resid0_skew));
    EXPECT_TRUE(std::isnan(metrics.q_resid0_kurt));
  }
}

TEST(MetricReplicates, SizesAreThoseOfTheResiduals) {
  const ReplicatedHead head(options_of("linear"));
  GroupSpread spread(head.queries.head_dim);
  for (int64_t row = 0; row < head.queries.num_rows(); ++row) {
    const auto position = static_cast<double>(head.queries.positions[static_cast<size_t>(row)]);
    std::vector<double> residual;
    for (size_t j = 0; j < head.fit.mean.size(); ++j) {
      residual.push_back(static_cast<double>(head.queries.vector(row)[j]) - head.fit.intercept[j] -
                         head.fit.slope[j] * position);
    }
    spread.add(head.queries.example_ids[static_cast<size_t>(row)], residual.data());
  }
  const EffectiveSize found = query_sizes({head.queries, head.fit, head.documents, head.counts});
  EXPECT_EQ(found.documents, 12);
  EXPECT_DOUBLE_EQ(found.effective_documents, spread.size().effective_documents);
  EXPECT_NEAR(found.effective_rows, spread.size().effective_rows, 1e-9);
  EXPECT_LT(found.effective_rows, static_cast<double>(head.queries.num_rows()));
}

}  // namespace metric_replicates_test
}  // namespace qk
