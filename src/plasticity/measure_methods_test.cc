#include "plasticity/measure_methods.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "plasticity/test_replicates.h"

namespace qk {
namespace measure_methods_test {

std::vector<MethodMeasurement> measured(const std::vector<std::string>& methods,
                                        bool with_error_bars) {
  MeasureOptions options;
  options.methods = methods;
  options.method_options.min_queries = 8;
  options.error_bars.kind = with_error_bars ? ErrorBars::kJackknife : ErrorBars::kNone;
  const ReplicatedHead head(options);
  const ResampleCounts counts = ResampleCounts::leave_out(head.documents.num_documents());
  return measure_methods(head.input(), with_error_bars ? &counts : nullptr);
}

TEST(MeasureMethods, OthersAreComparedWithTheOneThatAssumesLeast) {
  const auto methods = measured({"linear", "bucket", "counted"}, true);
  ASSERT_EQ(methods.size(), 3U);
  EXPECT_FALSE(methods[2].result.difference);
  for (size_t m = 0; m < 2; ++m) {
    const MethodResult& result = methods[m].result;
    ASSERT_TRUE(result.difference);
    EXPECT_EQ(result.difference->against, "counted");
    EXPECT_EQ(result.difference->value, result.ap_overall - methods[2].result.ap_overall);
    EXPECT_TRUE(result.difference->interval.has_value());
    // Paired: what is peculiar to a document moves both.
    EXPECT_LT(result.difference->interval.std_error, result.interval.std_error);
  }
  EXPECT_EQ(measured({"linear", "bucket"}, false)[0].result.difference->against, "bucket");
}

TEST(MeasureMethods, MethodsThatJudgeOtherPairsAreNotCompared) {
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{"online", "linear"}, {"linear", "online"}}) {
    for (const MethodMeasurement& method : measured(names, false)) {
      EXPECT_FALSE(method.result.difference) << method.result.name;
    }
  }
}

TEST(MeasureMethods, TogetherTheySayWhatEachSaysAlone) {
  const auto together = measured({"counted", "online", "bucket"}, true);
  for (const MethodMeasurement& method : together) {
    const auto alone = measured({std::string(method.result.name)}, true);
    EXPECT_EQ(method.result.ap_overall, alone.front().result.ap_overall) << method.result.name;
    EXPECT_EQ(method.result.interval.low, alone.front().result.interval.low);
    EXPECT_EQ(method.result.trends.size(), alone.front().result.trends.size());
  }
}

// Documents that reach the later bucket have keys only, or queries only.
TEST(MeasureMethods, DocumentsThatReachFarMayLackQueriesOrKeys) {
  const auto table_of = [](const std::vector<std::pair<int64_t, int64_t>>& rows) {
    HeadTable out;
    out.head_dim = 2;
    for (const auto& [document, bucket] : rows) {
      const auto number = static_cast<float>(out.buckets.size());
      out.example_ids.push_back(document);
      out.buckets.push_back(bucket);
      out.positions.push_back(bucket * 16 + static_cast<int64_t>(out.positions.size()));
      out.vectors.insert(out.vectors.end(), {number, number * number});
    }
    return out;
  };
  const HeadTable low = table_of({{0, 0}, {0, 0}, {0, 0}});
  const HeadTable high = table_of({{1, 1}, {1, 1}, {2, 1}, {2, 1}});
  MeasureOptions options;
  options.methods = {"bucket", "counted", "linear", "online"};
  for (const ErrorBars kind : {ErrorBars::kNone, ErrorBars::kJackknife}) {
    options.error_bars.kind = kind;
    for (const bool has_queries : {false, true}) {
      const ReplicatedHead head(options, has_queries ? high : low, has_queries ? low : high);
      const ResampleCounts counts = ResampleCounts::leave_out(head.documents.num_documents());
      const auto out = measure_methods(head.input(), kind == ErrorBars::kNone ? nullptr : &counts);
      ASSERT_EQ(out.size(), 4U);
      for (const MethodMeasurement& method : out) {
        EXPECT_EQ(method.result.positions.size(), 1U) << method.result.name;
      }
    }
  }
}

// `online` has no cell without a pair that can be judged, and equal keys cannot.
TEST(MeasureMethods, CellsOfPairsThatCannotBeJudged) {
  MeasureOptions options;
  options.methods = {"online", "bucket", "counted", "linear"};
  options.method_options.min_queries = 2;
  options.error_bars.kind = ErrorBars::kJackknife;
  HeadTable keys = random_table({}, 2);
  std::fill(keys.vectors.begin(), keys.vectors.end(), 1.0F);
  const ReplicatedHead head(options, random_table({}, 1), keys);
  const ResampleCounts counts = ResampleCounts::leave_out(head.documents.num_documents());
  for (const MethodMeasurement& method : measure_methods(head.input(), &counts)) {
    EXPECT_EQ(method.result.cells.size(), method.result.cell_intervals.size())
        << method.result.name;
  }
}

}  // namespace measure_methods_test
}  // namespace qk
