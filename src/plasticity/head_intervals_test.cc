#include "plasticity/head_intervals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "plasticity/measure_head.h"
#include "plasticity/metric_replicates.h"
#include "plasticity/plasticity_method.h"
#include "plasticity/test_replicates.h"

namespace qk {
namespace {

void expect_equal(double found, double expected, const char* what) {
  EXPECT_TRUE(found == expected || (std::isnan(found) && std::isnan(expected)))
      << what << ": " << found << " instead of " << expected;
}

// Every metric has the interval of its own replicates, and the size of what it was measured from.
TEST(HeadIntervals, AreThoseOfTheReplicates) {
  for (const char* method : {"linear", "bucket", "counted", "online"}) {
    for (const bool reference : {false, true}) {
      MeasureOptions options = options_of(method, reference);
      options.error_bars = {
          .kind = ErrorBars::kBootstrap, .replicates = 20, .interval = IntervalKind::kPercentile};
      options.seed = 5;  // of head.counts
      options.method_options.min_queries = 8;
      const ReplicatedHead head(options);
      const PlasticityInput input = head.input();
      const QueryReplicateInput queries{head.queries, head.fit, head.documents, head.counts};
      std::vector<HeadMetrics> replicates(21);
      replicate_fit_metrics(queries, reference, replicates);
      replicate_noise_metrics(queries, head.noise, replicates);
      const PlasticityReplicates plasticity =
          find_method(method).replicates({input, head.documents, head.counts});
      for (size_t r = 0; r < 21; ++r) replicates[r].ap_overall = plasticity.ap_overall[r];
      const std::vector<MetricInterval> found = head_intervals(
          input, head.noise, replicates.front(), head.counts, measure_methods(input, &head.counts));
      ASSERT_EQ(found.size(), metric_fields().size());
      for (size_t i = 0; i < found.size(); ++i) {
        const MetricField& field = metric_fields()[i];
        EXPECT_STREQ(found[i].metric, field.name);
        std::vector<double> values;
        for (size_t r = 1; r < 21; ++r) values.push_back(replicates[r].*field.value);
        const double estimate = replicates.front().*field.value;
        const bool is_plasticity = i + 1 == found.size();
        const double rounding = is_plasticity ? found[i].estimate - estimate : 0;
        for (double& value : values) value += rounding;
        const EffectiveSize size = is_plasticity ? plasticity.pairs : query_sizes(queries);
        const Interval expected = document_interval(
            found[i].estimate, values, size.effective_documents, field.scale, options.error_bars);
        if (field.scale == ValueScale::kPValue) {
          EXPECT_EQ(found[i].interval.note, IntervalNote::kPValue);
          continue;
        }
        EXPECT_NEAR(found[i].estimate, estimate, 1e-6) << field.name;
        expect_equal(found[i].interval.low, expected.low, field.name);
        expect_equal(found[i].interval.high, expected.high, field.name);
        expect_equal(found[i].interval.std_error, expected.std_error, field.name);
        expect_equal(found[i].interval.bias, expected.bias, field.name);
        expect_equal(found[i].size.effective_rows, size.effective_rows, field.name);
      }
    }
  }
}

TEST(HeadIntervals, OneForEveryMetricAndTheSameAgain) {
  for (const char* method : {"linear", "bucket", "counted", "online"}) {
    MeasureOptions options = options_of(method);
    options.error_bars = {.kind = ErrorBars::kBootstrap, .replicates = 30};
    options.method_options.min_queries = 8;
    const ReplicatedHead head(options);
    const HeadMetrics metrics =
        measure_head(options, {}, head.queries, head.keys, head.groups, head.ranges);
    const HeadMetrics again =
        measure_head(options, {}, head.queries, head.keys, head.groups, head.ranges);
    ASSERT_EQ(metrics.intervals.size(), metric_fields().size());
    for (size_t i = 0; i < metrics.intervals.size(); ++i) {
      const MetricInterval& row = metrics.intervals[i];
      EXPECT_STREQ(row.metric, metric_fields()[i].name);
      EXPECT_EQ(row.estimate, metrics.*metric_fields()[i].value);
      const bool is_p_value = metric_fields()[i].scale == ValueScale::kPValue;
      EXPECT_EQ(row.interval.has_value(), !is_p_value) << row.metric;
      EXPECT_EQ(row.interval.note, is_p_value ? IntervalNote::kPValue : IntervalNote::kNone);
      EXPECT_EQ(row.interval.replicates, is_p_value ? 0 : 30) << row.metric;
      EXPECT_EQ(row.size.documents, 12);
      EXPECT_GT(row.size.effective_documents, 8);
      expect_equal(row.interval.low, again.intervals[i].interval.low, row.metric);
      expect_equal(row.interval.high, again.intervals[i].interval.high, row.metric);
    }
    MeasureOptions other = options;
    other.seed = 1;
    EXPECT_NE(measure_head(other, {}, head.queries, head.keys, head.groups, head.ranges)
                  .intervals.back()
                  .interval.low,
              metrics.intervals.back().interval.low);
  }
}

TEST(HeadIntervals, NeedMemoryOnlyIfThereAreReplicates) {
  MeasureOptions options = options_of("linear");
  EXPECT_EQ(interval_bytes(options, 50000, 128), 0);
  options.error_bars = {.kind = ErrorBars::kBootstrap, .replicates = 200};
  // Products of every replicate: half a matrix in double precision.
  EXPECT_GT(interval_bytes(options, 50000, 128), int64_t{201} * 128 * 128 / 2 * 8);
  options.methods = {"bucket"};
  EXPECT_GT(interval_bytes(options, 50000, 128), int64_t{50000} * 128 * 8);
}

TEST(HeadIntervals, TheJackknifeLeavesEveryDocumentOut) {
  MeasureOptions options = options_of("bucket");
  options.error_bars.kind = ErrorBars::kJackknife;
  options.method_options.min_queries = 8;
  const ReplicatedHead head(options);
  const HeadMetrics metrics =
      measure_head(options, {}, head.queries, head.keys, head.groups, head.ranges);
  for (const MetricInterval& row : metrics.intervals) {
    const bool is_p_value = row.interval.note == IntervalNote::kPValue;
    EXPECT_EQ(row.interval.replicates, is_p_value ? 0 : 12) << row.metric;
  }
  EXPECT_TRUE(metrics.intervals.back().interval.has_value());
}

// Documents that have no row in a cell's buckets change neither the cell nor its error.
TEST(HeadIntervals, DocumentsElsewhereDoNotCount) {
  const auto only_early_after = [](const HeadTable& table, int64_t first_short_id) {
    std::vector<int64_t> rows;
    for (int64_t row = 0; row < table.num_rows(); ++row) {
      const auto i = static_cast<size_t>(row);
      if (table.buckets[i] == 0 || table.example_ids[i] < first_short_id) rows.push_back(row);
    }
    return take_rows(table, rows);
  };
  for (const char* method : {"bucket", "counted"}) {
    MeasureOptions options = options_of(method);
    options.error_bars.kind = ErrorBars::kJackknife;
    options.method_options.min_queries = 2;
    const auto cells_of = [&](int64_t documents) {
      const TestHeadShape shape{.documents = documents};
      const ReplicatedHead head(options, only_early_after(random_table(shape, 1), 100 + 7 * 5),
                                only_early_after(random_table(shape, 2), 100 + 7 * 5));
      return measure_head(options, {}, head.queries, head.keys, head.groups, head.ranges)
          .methods.front();
    };
    const MethodResult few = cells_of(5);
    const MethodResult more = cells_of(12);  // 7 of them have rows in bucket 0 only
    ASSERT_EQ(few.cells.size(), more.cells.size());
    for (size_t c = 0; c < few.cells.size(); ++c) {
      if (few.cells[c].k_bucket == 0) continue;
      EXPECT_EQ(few.cells[c].value, more.cells[c].value) << method;
      ASSERT_TRUE(few.cell_intervals[c].has_value());
      EXPECT_EQ(few.cell_intervals[c].documents, more.cell_intervals[c].documents);
      EXPECT_NEAR(few.cell_intervals[c].std_error, more.cell_intervals[c].std_error, 1e-6);
    }
  }
}

TEST(HeadIntervals, OneDocumentHasNone) {
  MeasureOptions options;
  options.error_bars = {.kind = ErrorBars::kBootstrap, .replicates = 30};
  const ReplicatedHead head(options, {.documents = 1});
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
  options.error_bars = {.kind = ErrorBars::kBootstrap, .replicates = 30};
  ReplicatedHead head(options);
  head.keys.example_ids.clear();
  EXPECT_THROW(measure_head(options, {}, head.queries, head.keys, head.groups, head.ranges), Error);
}

}  // namespace
}  // namespace qk
