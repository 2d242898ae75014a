// Positions up to 2^53 give what the same positions near 0 give.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>

#include "heads/test_tables.h"
#include "plasticity/measure_head.h"
#include "plasticity/plasticity_method.h"
#include "plasticity/test_replicates.h"

namespace qk::large_positions_test {
namespace {

using Json = nlohmann::json;

constexpr int64_t kShifts[] = {int64_t{1} << 20, int64_t{1} << 31, (int64_t{1} << 40) + 12288,
                               int64_t{1} << 52, (int64_t{1} << 53) - 64};

// log2(position + 1) is another number, by its definition.
bool is_of_logarithm(const std::string& metric) {
  return metric == "q_R2_scalar" || metric.starts_with("q_mae_");
}

// Also follows a factor of the positions, which divides slopes.
HeadTable moved(HeadTable table, int64_t factor, int64_t shift) {
  for (int64_t& position : table.positions) position = position * factor + shift;
  return table;
}

HeadMetrics measure(const MeasureOptions& options, int64_t factor, int64_t shift) {
  const HeadTable queries = moved(random_table({}, 1), factor, shift);
  const HeadTable keys = moved(random_table({}, 2), factor, shift);
  return measure_head(options, {0, 0, 0}, queries, keys, KeyGroups(keys),
                      BucketRanges::observed(queries, keys));
}

void expect_close(double found, double expected, double tolerance, const std::string& what) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(found)) << what << " is " << found;
    return;
  }
  EXPECT_NEAR(found, expected, tolerance * std::max(1e-3, std::abs(expected))) << what;
}

void expect_same(const HeadMetrics& found, const HeadMetrics& expected, double tolerance,
                 const std::string& what) {
  for (const MetricField& field : metric_fields()) {
    if (is_of_logarithm(field.name)) continue;
    expect_close(found.*field.value, expected.*field.value, tolerance, what + " " + field.name);
  }
  ASSERT_EQ(found.buckets.size(), expected.buckets.size()) << what;
  ASSERT_FALSE(found.buckets.empty()) << what;
  for (size_t i = 0; i < found.buckets.size(); ++i) {
    expect_close(found.buckets[i].value, expected.buckets[i].value, tolerance, what + " bucket");
  }
  for (size_t j = 0; j < found.component_r2.size(); ++j) {
    expect_close(found.component_r2[j], expected.component_r2[j], tolerance, what + " component");
  }
  for (size_t i = 0; i < found.intervals.size(); ++i) {
    const MetricInterval& a = found.intervals[i];
    const MetricInterval& b = expected.intervals[i];
    if (is_of_logarithm(std::string(a.metric))) continue;
    expect_close(a.interval.low, b.interval.low, tolerance, what + " low " + std::string(a.metric));
    expect_close(a.interval.high, b.interval.high, tolerance,
                 what + " high " + std::string(a.metric));
  }
}

std::vector<MeasureOptions> all_options() {
  std::vector<MeasureOptions> out = {options_of("linear"), options_of("linear", true),
                                     options_of("linear", false, Covariance::kFull),
                                     options_of("bucket"), options_of("online")};
  out.push_back(options_of("online"));
  out.back().method_options.online_reach_unit = ReachUnit::kTokens;
  for (MeasureOptions& options : out) {
    options.method_options.min_queries = 8;
    options.error_bars = {.kind = ErrorBars::kBootstrap, .replicates = 20};
  }
  return out;
}

TEST(LargePositions, AShiftChangesNothing) {
  for (const MeasureOptions& options : all_options()) {
    const HeadMetrics near_zero = measure(options, 1, 0);
    for (const int64_t shift : kShifts) {
      const std::string what = options.methods.front() + " + " + std::to_string(shift);
      expect_same(measure(options, 1, shift), near_zero, 1e-13, what);
    }
  }
}

// Not by a multiple of a power of two above the context's length: `online` takes the context for
// longer than it is.
TEST(LargePositions, AnyShiftIsAsGoodWhereLengthsDoNotMatter) {
  for (MeasureOptions options : all_options()) {
    options.method_options.online_half_life = 20;
    options.method_options.online_reach_unit = ReachUnit::kKeys;
    const HeadMetrics near_zero = measure(options, 1, 0);
    for (const int64_t shift : {(int64_t{1} << 40) + 12345, (int64_t{1} << 53) - 65}) {
      expect_same(measure(options, 1, shift), near_zero, 1e-11, options.methods.front());
    }
  }
}

TEST(LargePositions, AWiderContextChangesTheSlopeOnly) {
  for (MeasureOptions options : all_options()) {
    if (options.compat_reference) continue;        // takes small slopes for rounding
    options.method_options.online_half_life = 20;  // by default it follows the highest position
    options.method_options.online_reach_unit = ReachUnit::kKeys;
    const HeadMetrics narrow = measure(options, 1, 0);
    constexpr int64_t kFactor = int64_t{1} << 44;
    options.method_options.online_half_life = 20.0 * 0x1p44;
    HeadMetrics wide = measure(options, kFactor, 0);
    wide.q_beta_norm *= 0x1p44;
    for (MetricInterval& one : wide.intervals) {
      if (std::string_view(one.metric) != "q_beta_norm") continue;
      one.interval.low *= 0x1p44;
      one.interval.high *= 0x1p44;
    }
    expect_same(wide, narrow, 1e-9, options.methods.front());
  }
}

// The numbers that follow the logarithm, against exact arithmetic.
TEST(LargePositions, LogarithmsAreExact) {
  const Json vectors = load_vectors("plasticity/large_positions.json");
  for (const Json& json : vectors["cases"]) {
    const HeadTable table = moved(table_of(vectors["table"]), 1, json["shift"].get<int64_t>());
    for (const bool reference : {false, true}) {
      const QueryFit fit = fit_queries(table, reference);
      const ScalarPredictability scalar = predict_position(table, fit);
      const std::string what = json["shift"].dump();
      expect_close(scalar.r2, json["q_R2_scalar"], 1e-11, what + " r2");
      expect_close(scalar.mae_baseline / json["q_mae_baseline"].get<double>(), 1, 1e-12, what);
      expect_close(scalar.mae_proj / json["q_mae_proj"].get<double>(), 1, 1e-12, what);
      expect_close(fit.slope_norm, json["q_beta_norm"], 1e-12, what + " slope");
      expect_close(mean_r2(fit, component_r2(fit, reference), reference), json["q_R2_pos"], 1e-11,
                   what + " mean r2");
    }
  }
  EXPECT_EQ(vectors["cases"].size(), 7U);
}

}  // namespace
}  // namespace qk::large_positions_test
