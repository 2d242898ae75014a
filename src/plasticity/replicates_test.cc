// Replicates from sums over documents against the same numbers from repeated rows.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "heads/pair_kernels.h"
#include "heads/row_blocks.h"
#include "plasticity/bucket_law.h"
#include "plasticity/bucket_pair_walk.h"
#include "plasticity/forgetting_law.h"
#include "plasticity/head_intervals.h"
#include "plasticity/head_seeds.h"
#include "plasticity/linear_law.h"
#include "plasticity/method_replicates.h"
#include "plasticity/metric_replicates.h"
#include "plasticity/online_times.h"
#include "plasticity/pair_plasticity.h"
#include "plasticity/score_moments.h"
#include "plasticity/test_heads.h"

namespace qk {
namespace replicates_test {

MeasureOptions options_of(const char* method, bool reference = false,
                          Covariance covariance = Covariance::kDiagonal) {
  MeasureOptions out;
  out.method = method;
  out.compat_reference = reference;
  out.covariance = covariance;
  return out;
}

struct Head {
  explicit Head(const MeasureOptions& c, const TestHeadShape& shape = {})
      : options(c),
        queries(random_table(shape, 1)),
        keys(random_table(shape, 2)),
        groups(keys),
        ranges(BucketRanges::uniform(shape.width)),
        fit(fit_queries(queries)),
        noise_dims{0, 1, 2},
        documents(index_documents(queries, keys)),
        counts(documents.num_documents(), 20, 5) {
    noise = {.compat_reference = options.compat_reference, .p_alpha = 0.01, .ks_dims = noise_dims};
    measured = measure_noise(queries, fit, noise);
  }
  PlasticityInput input() const {
    return {options, queries, keys, groups, fit, ranges, key_pairs_seed(options, 0, 0)};
  }
  // The queries of a replicate, row by row.
  HeadTable repeated(int64_t replicate) const {
    std::vector<int64_t> rows;
    for (int64_t row = 0; row < queries.num_rows(); ++row) {
      const double times = counts.at(replicate, documents.of_query[static_cast<size_t>(row)]);
      rows.insert(rows.end(), static_cast<size_t>(times), row);
    }
    return take_rows(queries, rows);
  }

  MeasureOptions options;
  HeadTable queries;
  HeadTable keys;
  KeyGroups groups;
  BucketRanges ranges;
  QueryFit fit;
  std::vector<int64_t> noise_dims;
  NoiseOptions noise;
  QueryNoise measured;
  DocumentIndex documents;
  ResampleCounts counts;
};

// ap_overall of a replicate: pairs of the sample, judged by `law` of the repeated queries.
double plasticity_of(const Head& head, int64_t replicate, const HeadTable& repeated,
                     QueryDistribution& law) {
  double sum = 0;
  double cells = 0;
  const PlasticityInput input = head.input();
  for_each_bucket_pair(input, [&](const BucketPairDraw& draw) {
    QueryTime time{draw.time.bucket, 0};
    double rows = 0;
    for (size_t i = 0; i < repeated.positions.size(); ++i) {
      if (repeated.buckets[i] != time.bucket) continue;
      time.mean_position += static_cast<double>(repeated.positions[i]);
      rows += 1;
    }
    if (rows == 0) return;
    time.mean_position /= rows;
    std::vector<double> w(draw.pairs.size() * static_cast<size_t>(head.keys.head_dim));
    std::vector<double> means(draw.pairs.size());
    std::vector<double> variances(draw.pairs.size());
    subtract_keys(head.keys, draw.pairs, w);
    law.project(time, w, means, variances);
    double value = 0;
    double weight = 0;
    for (size_t n = 0; n < means.size(); ++n) {
      const auto key = static_cast<size_t>(draw.pairs[n].first);
      const double times = head.counts.at(replicate, head.documents.of_key[key]);
      if (!(variances[n] > 0)) continue;
      value += times * pair_plasticity(means[n], variances[n]);
      weight += times;
    }
    if (weight == 0) return;
    sum += value / weight;
    cells += 1;
  });
  return sum / cells;
}

template <typename MakeLaw>
void expect_replicates(const Head& head, PlasticityReplicates (*replicates)(const ReplicateInput&),
                       MakeLaw make_law) {
  const PlasticityInput input = head.input();
  const PlasticityReplicates found = replicates({input, head.documents, head.counts});
  ASSERT_EQ(std::ssize(found.ap_overall), head.counts.replicates());
  EXPECT_NEAR(found.ap_overall[0], find_method(head.options.method).measure(input).ap_overall,
              1e-12);
  for (int64_t r = 0; r < head.counts.replicates(); ++r) {
    const HeadTable repeated = head.repeated(r);
    auto law = make_law(repeated);
    EXPECT_NEAR(found.ap_overall[static_cast<size_t>(r)], plasticity_of(head, r, repeated, *law),
                1e-10)
        << "replicate " << r;
  }
}

TEST(Replicates, LinearFull) {
  const Head head(options_of("linear", false, Covariance::kFull));
  QueryFit fit;
  expect_replicates(head, linear_replicates, [&](const HeadTable& repeated) {
    fit = fit_queries(repeated);
    return std::make_unique<LinearFullLaw>(repeated, fit);
  });
}

// Replicates that lack a bucket average what they have.
TEST(Replicates, BucketsThatAReplicateLacks) {
  const TestHeadShape shape{.rare_after = 3};
  const Head linear(options_of("linear", false, Covariance::kFull), shape);
  QueryFit fit;
  expect_replicates(linear, linear_replicates, [&](const HeadTable& repeated) {
    fit = fit_queries(repeated);
    return std::make_unique<LinearFullLaw>(repeated, fit);
  });
  const Head diagonal(options_of("linear"), shape);
  for (const double value :
       linear_replicates({diagonal.input(), diagonal.documents, diagonal.counts}).ap_overall) {
    EXPECT_FALSE(std::isnan(value));
  }
  MeasureOptions options = options_of("bucket");
  options.methods.min_queries = 2;
  expect_replicates(Head(options, shape), bucket_replicates, [&](const HeadTable& repeated) {
    return std::make_unique<BucketLaw>(repeated, 2);
  });
}

TEST(Replicates, LinearDiagonal) {
  for (const bool reference : {false, true}) {
    const Head head(options_of("linear", reference));
    const PlasticityInput input = head.input();
    const PlasticityReplicates found = linear_replicates({input, head.documents, head.counts});
    EXPECT_NEAR(found.ap_overall[0], find_method("linear").measure(input).ap_overall, 1e-12);
  }
}

TEST(Replicates, Bucket) {
  MeasureOptions options = options_of("bucket");
  options.methods.min_queries = 2;
  const Head head(options);
  expect_replicates(head, bucket_replicates, [&](const HeadTable& repeated) {
    return std::make_unique<BucketLaw>(repeated, 2);
  });
}

TEST(Replicates, BucketWithPooledCovarianceStartsAtTheEstimate) {
  MeasureOptions options = options_of("bucket");
  options.methods.min_queries = 1000;
  const Head head(options);
  const PlasticityInput input = head.input();
  const PlasticityReplicates found = bucket_replicates({input, head.documents, head.counts});
  EXPECT_NEAR(found.ap_overall[0], find_method("bucket").measure(input).ap_overall, 1e-12);
}

TEST(Replicates, OnlineStartsAtTheEstimate) {
  for (const ForgettingStart start : {ForgettingStart::kFirst, ForgettingStart::kZero}) {
    for (const OnlineClock clock : {OnlineClock::kPosition, OnlineClock::kObservation}) {
      MeasureOptions options = options_of("online");
      options.methods.online_alpha = 0.03;
      options.methods.online_clock = clock;
      options.methods.online_start = start;
      options.methods.min_queries = 5;
      const Head head(options);
      const PlasticityInput input = head.input();
      const PlasticityReplicates found = online_replicates({input, head.documents, head.counts});
      EXPECT_NEAR(found.ap_overall[0], find_method("online").measure(input).ap_overall, 1e-12);
      EXPECT_EQ(found.pairs.documents, 12);
    }
  }
}

TEST(Replicates, OnlineOfRepeatedQueries) {
  MeasureOptions options = options_of("online");
  options.methods.online_alpha = 0.03;
  options.methods.online_times = 2;
  options.methods.min_queries = 2;
  const Head head(options);
  const PlasticityInput input = head.input();
  const PlasticityReplicates found = online_replicates({input, head.documents, head.counts});
  const std::vector<OnlineTime> times = online_times(head.queries, head.keys, options.methods,
                                                     options.num_pairs_per_bucket, input.seed);
  for (int64_t r = 0; r < head.counts.replicates(); ++r) {
    const HeadTable repeated = head.repeated(r);
    double sum = 0;
    double looks = 0;
    for (const OnlineTime& time : times) {
      const std::vector<double> origin(static_cast<size_t>(repeated.head_dim));
      ForgettingLaw law(origin, 0.03, ForgettingStart::kFirst);
      for (int64_t row = 0; row < repeated.num_rows(); ++row) {
        const int64_t age = time.position - repeated.positions[static_cast<size_t>(row)];
        if (age < 0) continue;
        const double weight = std::pow(0.97, age);
        const std::span<const float> x = repeated.vector(row);
        const std::vector<double> query(x.begin(), x.end());
        law.observe({query.data(), {1, repeated.head_dim}}, {&weight, 1});
      }
      const VectorBlocks w = difference_blocks(head.keys, time.pairs);
      const ScoreMoments scores = score_moments(law.law(), w);
      double value = 0;
      double weight = 0;
      for (size_t n = 0; n < time.pairs.size(); ++n) {
        const auto key = static_cast<size_t>(time.pairs[n].first);
        const double times_in = head.counts.at(r, head.documents.of_key[key]);
        value += times_in * pair_plasticity(scores.mean[n], scores.variance[n]);
        weight += times_in;
      }
      if (weight == 0) continue;
      sum += value / weight;
      looks += 1;
    }
    ASSERT_GT(looks, 0);
    EXPECT_NEAR(found.ap_overall[static_cast<size_t>(r)], sum / looks, 1e-10);
  }
}

TEST(Replicates, QueryMetrics) {
  for (const bool reference : {false, true}) {
    const Head head(options_of("linear", reference));
    std::vector<HeadMetrics> found(static_cast<size_t>(head.counts.replicates()));
    const QueryReplicateInput input{head.queries, head.fit, head.documents, head.counts};
    replicate_fit_metrics(input, reference, found);
    replicate_noise_metrics(input, head.noise, found);
    for (int64_t r = 0; r < head.counts.replicates(); ++r) {
      const HeadTable repeated = head.repeated(r);
      QueryFit fit = fit_queries(repeated);
      const HeadMetrics& metrics = found[static_cast<size_t>(r)];
      EXPECT_NEAR(metrics.q_r2_pos, mean_r2(fit, component_r2(fit, reference), reference), 1e-11);
      EXPECT_NEAR(metrics.q_beta_norm, fit.slope_norm, 1e-11);
      const ScalarPredictability scalar = predict_position(repeated, fit);
      EXPECT_NEAR(metrics.q_r2_scalar, scalar.r2, 1e-11);
      EXPECT_NEAR(metrics.q_mae_baseline, scalar.mae_baseline, 1e-11);
      EXPECT_NEAR(metrics.q_mae_proj, scalar.mae_proj, 1e-11);
      EXPECT_NEAR(metrics.q_mae_ratio, scalar.mae_proj / scalar.mae_baseline, 1e-11);
      EXPECT_GE(metrics.q_noise_frac_ks_p_lt_alpha, 0);
    }
    EXPECT_NEAR(found[0].q_resid0_skew, head.measured.resid0_skew, 1e-11);
    EXPECT_NEAR(found[0].q_resid0_kurt, head.measured.resid0_kurt, 1e-11);
    EXPECT_NEAR(found[0].q_resid0_ks_p, head.measured.resid0_ks_p, 1e-11);
    EXPECT_NEAR(found[0].q_noise_med_abs_skew, head.measured.med_abs_skew, 1e-11);
    EXPECT_NEAR(found[0].q_noise_med_abs_kurt, head.measured.med_abs_kurt, 1e-11);
    EXPECT_NEAR(found[0].q_noise_med_ks_p, head.measured.med_ks_p, 1e-11);
    EXPECT_EQ(found[0].q_noise_frac_ks_p_lt_alpha, head.measured.frac_ks_p_lt_alpha);
  }
}

TEST(HeadIntervals, OneForEveryMetricAndTheSameAgain) {
  for (const char* method : {"linear", "bucket", "online"}) {
    MeasureOptions options = options_of(method);
    options.bootstrap.replicates = 30;
    options.methods.min_queries = 8;
    const Head head(options);
    const HeadMetrics metrics =
        measure_head(options, {}, head.queries, head.keys, head.groups, head.ranges);
    const HeadMetrics again =
        measure_head(options, {}, head.queries, head.keys, head.groups, head.ranges);
    ASSERT_EQ(metrics.intervals.size(), metric_fields().size());
    for (size_t i = 0; i < metrics.intervals.size(); ++i) {
      const MetricInterval& row = metrics.intervals[i];
      EXPECT_STREQ(row.metric, metric_fields()[i].name);
      EXPECT_EQ(row.estimate, metrics.*metric_fields()[i].value);
      EXPECT_LE(row.interval.low, row.interval.high) << row.metric;
      EXPECT_EQ(row.interval.replicates, 30) << row.metric;
      EXPECT_EQ(row.size.documents, 12);
      EXPECT_GT(row.size.effective_documents, 8);
      EXPECT_EQ(row.interval.low, again.intervals[i].interval.low);
      EXPECT_EQ(row.interval.high, again.intervals[i].interval.high);
    }
    MeasureOptions other = options;
    other.seed = 1;
    EXPECT_NE(measure_head(other, {}, head.queries, head.keys, head.groups, head.ranges)
                  .intervals[0]
                  .interval.low,
              metrics.intervals[0].interval.low);
  }
}

TEST(HeadIntervals, OneDocumentHasNone) {
  MeasureOptions options;
  options.bootstrap.replicates = 30;
  const Head head(options, {.documents = 1});
  for (const MetricInterval& row :
       measure_head(options, {}, head.queries, head.keys, head.groups, head.ranges).intervals) {
    EXPECT_TRUE(std::isnan(row.interval.low)) << row.metric;
    EXPECT_TRUE(std::isnan(row.interval.std_error));
    EXPECT_TRUE(std::isnan(row.size.effective_rows));
    EXPECT_EQ(row.size.documents, 1);
  }
}

TEST(HeadIntervals, WithoutExampleIdsThereIsNothingToResample) {
  MeasureOptions options;
  options.bootstrap.replicates = 30;
  Head head(options);
  head.keys.example_ids.clear();
  EXPECT_THROW(measure_head(options, {}, head.queries, head.keys, head.groups, head.ranges), Error);
}

}  // namespace replicates_test
}  // namespace qk
