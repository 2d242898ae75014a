// ap_overall of the method `online` in every replicate, against the law of the repeated queries.
#include <gtest/gtest.h>

#include <cmath>

#include "heads/pair_kernels.h"
#include "plasticity/forgetting_law.h"
#include "plasticity/law_projection.h"
#include "plasticity/method_replicates.h"
#include "plasticity/online_times.h"
#include "plasticity/pair_plasticity.h"
#include "plasticity/plasticity_method.h"
#include "plasticity/test_replicates.h"

namespace qk {
namespace online_replicates_test {

// The law of `table`'s queries up to the time; the clock is that of the sample.
ForgettingLaw law_at(const ReplicatedHead& head, const HeadTable& table, const OnlineTime& time) {
  const MethodOptions& options = head.options.method_options;
  const StepClock clock(options.online_clock, head.queries);
  const double alpha = online_alpha(options, head.queries, 0);
  const std::vector<double> origin(static_cast<size_t>(table.head_dim));
  ForgettingLaw law(origin, alpha, options.online_start);
  const double now = clock.at(time.position);
  law.forget(now);
  for (int64_t row = 0; row < table.num_rows(); ++row) {
    const int64_t position = table.positions[static_cast<size_t>(row)];
    if (position > time.position) continue;
    const double weight = std::pow(1 - alpha, now - clock.at(position));
    const std::span<const float> x = table.vector(row);
    const std::vector<double> query(x.begin(), x.end());
    law.observe({query.data(), {1, table.head_dim}}, {&weight, 1});
  }
  return law;
}

double plasticity_of(const ReplicatedHead& head, int64_t replicate) {
  const HeadTable repeated = head.repeated(replicate);
  double sum = 0;
  double looks = 0;
  for (const OnlineTime& time :
       online_times(head.queries, head.keys, head.options.method_options,
                    head.options.num_pairs_per_bucket, head.input().seed)) {
    const double effective = law_at(head, head.queries, time).effective_queries();
    if (effective < static_cast<double>(head.options.method_options.min_queries)) continue;
    std::vector<double> w(time.pairs.size() * static_cast<size_t>(head.keys.head_dim));
    std::vector<double> means(time.pairs.size());
    std::vector<double> variances(time.pairs.size());
    subtract_keys(head.keys, time.pairs, w);
    project_law(law_at(head, repeated, time).law(), w, means, variances);
    double value = 0;
    double weight = 0;
    for (size_t n = 0; n < time.pairs.size(); ++n) {
      if (!(variances[n] > 0)) continue;
      const double times = head.times(replicate, time.pairs[n]);
      value += times * pair_plasticity(means[n], variances[n]);
      weight += times;
    }
    if (weight == 0) continue;
    sum += value / weight;
    looks += 1;
  }
  return sum / looks;
}

void expect_replicates(const MeasureOptions& options) {
  const ReplicatedHead head(options);
  const PlasticityInput input = head.input();
  const PlasticityReplicates found = online_replicates({input, head.documents, head.counts});
  EXPECT_EQ(found.pairs.documents, 12);
  const double estimate = find_method("online").measure(input).ap_overall;
  EXPECT_FALSE(std::isnan(estimate));
  EXPECT_NEAR(found.ap_overall[0], estimate, 1e-12);
  for (int64_t r = 0; r < head.counts.replicates(); ++r) {
    EXPECT_NEAR(found.ap_overall[static_cast<size_t>(r)], plasticity_of(head, r), 1e-10)
        << "replicate " << r;
  }
}

TEST(OnlineReplicates, EveryClockAndStart) {
  for (const ForgettingStart start : {ForgettingStart::kFirst, ForgettingStart::kZero}) {
    for (const OnlineClock clock : {OnlineClock::kPosition, OnlineClock::kObservation}) {
      MeasureOptions options = options_of("online");
      options.method_options.online_alpha = 0.03;
      options.method_options.online_clock = clock;
      options.method_options.online_start = start;
      options.method_options.online_times = 2;
      options.method_options.min_queries = 5;
      expect_replicates(options);
    }
  }
}

// The first of the times have no law: they are left out of the estimate and of its replicates.
TEST(OnlineReplicates, TimesWithTooFewQueries) {
  MeasureOptions options = options_of("online");
  options.method_options.online_half_life = 1000;
  options.method_options.online_times = 2;
  options.method_options.min_queries = 60;
  const ReplicatedHead head(options);
  const std::vector<OnlineTime> times =
      online_times(head.queries, head.keys, options.method_options, 1, head.input().seed);
  ASSERT_LT(law_at(head, head.queries, times.front()).effective_queries(), 50);
  ASSERT_GT(law_at(head, head.queries, times.back()).effective_queries(), 70);
  expect_replicates(options);
}

// All queries are of the first of two documents, which some replicates do not have.
TEST(OnlineReplicates, AReplicateWithoutQueriesHasNoValue) {
  MeasureOptions options = options_of("online");
  options.method_options.online_half_life = 1000;
  options.method_options.online_times = 2;
  options.method_options.min_queries = 5;
  const ReplicatedHead head(options, random_table({.documents = 1}, 1),
                            random_table({.documents = 2}, 2));
  const PlasticityInput input = head.input();
  const std::vector<double> found =
      online_replicates({input, head.documents, head.counts}).ap_overall;
  int num_without = 0;
  for (int64_t r = 0; r < head.counts.replicates(); ++r) {
    const double value = found[static_cast<size_t>(r)];
    if (head.repeated(r).num_rows() == 0) {
      ++num_without;
      EXPECT_TRUE(std::isnan(value)) << "replicate " << r;
    } else {
      EXPECT_NEAR(value, plasticity_of(head, r), 1e-10) << "replicate " << r;
    }
  }
  EXPECT_GT(num_without, 0);
}

}  // namespace online_replicates_test
}  // namespace qk
