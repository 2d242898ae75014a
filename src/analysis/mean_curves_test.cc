#include "analysis/mean_curves.h"

#include <gtest/gtest.h>

namespace qk {
namespace mean_curves_test {

CurvePoint point_of(int64_t bucket, std::vector<double> values, int64_t documents) {
  CurvePoint out;
  out.bucket = bucket;
  out.center = static_cast<double>(bucket) * 100;
  out.documents = documents;
  out.values = std::move(values);
  return out;
}

HeadMetrics head_of(std::vector<double> first, std::vector<double> second,
                    std::optional<int64_t> window, std::vector<int64_t> documents) {
  HeadMetrics out;
  out.window = window;
  out.document_ids = std::move(documents);
  out.error_bars = {.kind = ErrorBars::kJackknife};
  MethodResult& method = out.methods.emplace_back();
  method.name = "bucket";
  method.positions.push_back(
      {{}, {point_of(1, std::move(first), 12), point_of(2, std::move(second), 9)}, {}});
  return out;
}

const std::vector<int64_t> kIds = {1, 2, 3, 4, 5, 6};

std::vector<double> jackknife(double sample) {
  std::vector<double> out = {sample};
  for (int r = 0; r < 6; ++r) out.push_back(sample + 0.01 * (r - 2.5));
  return out;
}

TEST(MeanCurves, AverageHeadsReplicateByReplicate) {
  MeanCurves curves;
  curves.add(head_of(jackknife(0.5), jackknife(0.4), {}, kIds));
  curves.add(head_of(jackknife(0.7), {kNotANumber}, 512, kIds));
  const std::vector<MeanCurve> result = curves.result();
  ASSERT_EQ(result.size(), 3U);
  EXPECT_EQ(result[0].heads, "all");
  EXPECT_EQ(result[1].heads, "full_attention");
  EXPECT_EQ(result[2].heads, "window_512");
  const MeanPoint& both = result[0].points[0];
  EXPECT_EQ(both.num_heads, 2);
  EXPECT_NEAR(both.value, 0.6, 1e-15);
  EXPECT_EQ(both.center, 100);
  EXPECT_EQ(both.documents, 12);
  const std::vector<double> shifted = jackknife(0.6);
  const Interval expected =
      document_interval(0.6, std::span(shifted).subspan(1), 12, ValueScale::kFraction,
                        {.kind = ErrorBars::kJackknife});
  EXPECT_NEAR(both.interval.low, expected.low, 1e-12);
  EXPECT_NEAR(both.interval.high, expected.high, 1e-12);
  EXPECT_LT(both.interval.low, both.interval.high);
  const MeanPoint& one = result[0].points[1];  // the second head has no value there
  EXPECT_EQ(one.num_heads, 1);
  EXPECT_NEAR(one.value, 0.4, 1e-15);
}

TEST(MeanCurves, OtherDocumentsLeaveNoInterval) {
  MeanCurves curves;
  curves.add(head_of(jackknife(0.5), jackknife(0.4), {}, kIds));
  curves.add(head_of(jackknife(0.7), jackknife(0.2), {}, {1, 2, 3, 4, 5, 7}));
  const std::vector<MeanCurve> result = curves.result();
  ASSERT_EQ(result.size(), 1U);  // all heads are of one kind
  EXPECT_NEAR(result[0].points[0].value, 0.6, 1e-15);
  EXPECT_FALSE(result[0].points[0].interval.has_value());
  EXPECT_EQ(result[0].points[0].note, "the heads have different documents");
}

}  // namespace mean_curves_test
}  // namespace qk
