#include "report/method_tables.h"

#include <gtest/gtest.h>

namespace qk {
namespace method_tables_test {

Interval interval_of(double low, double high, double std_error) {
  Interval out;
  out.low = low;
  out.high = high;
  out.std_error = std_error;
  return out;
}

// One head with two methods, of which the first has error bars.
HeadMetrics small_head() {
  HeadMetrics head;
  head.layer = 3;
  head.q_head = 5;
  head.k_head = 1;
  head.num_documents = 12;
  head.ranges = BucketRanges::uniform(100);
  MethodResult& linear = head.methods.emplace_back();
  linear.name = "linear";
  linear.ap_overall = 0.75;
  linear.interval = interval_of(0.7, 0.8, 0.02);
  linear.cells = {{2, 1, 0.5, 40, 30, 9, 8.5}};
  linear.cell_intervals = {interval_of(0.25, 0.75, 0.125)};
  CurvePoint point;
  point.bucket = 2;
  point.queries = 40;
  point.pairs = 30;
  point.documents = 9;
  point.values = {0.5, 0.25};
  linear.positions.push_back({7, {point}, {interval_of(0.25, 0.75, 0.125)}});
  linear.trends.push_back({TrendKind::kDistance, 7, 9, 28, {-0.5, -0.25}, {}});
  linear.trends.back().interval.note = IntervalNote::kFewDocuments;
  linear.difference = MethodDifference{"counted", 0.25, interval_of(0.2, 0.3, 0.02)};
  MethodResult& counted = head.methods.emplace_back();
  counted.name = "counted";
  counted.ap_overall = 0.5;
  counted.cells = {{2, 1}};
  HeadDiagnostics& diagnostics = head.diagnostics.emplace();
  diagnostics.buckets = {
      {.bucket = 2, .drift_mean = 1, .drift_sd = 2, .drift_line = 1.5, .q_norm = 3, .k_norm = 4}};
  return head;
}

TEST(MethodTables, Details) {
  EXPECT_EQ(detail_header(),
            "layer,q_head,k_head,method,q_bucket,k_bucket,q_from,q_to,k_from,k_to,queries,pairs,"
            "documents,ap_bucket,ci_low,ci_high,std_error,note");
  EXPECT_EQ(detail_lines(small_head()),
            "3,5,1,linear,2,1,200,299,100,199,40,30,9,0.5,0.25,0.75,0.125,\n"
            "3,5,1,counted,2,1,200,299,100,199,0,0,0,,,,,\n");
}

TEST(MethodTables, Positions) {
  EXPECT_EQ(
      position_header(),
      "layer,q_head,k_head,method,reach,q_bucket,position_from,position_to,queries,documents,"
      "pairs,ap_mean,ci_low,ci_high,std_error,drift_mean,drift_sd,drift_line,q_norm,k_norm,note");
  EXPECT_EQ(position_lines(small_head()),
            "3,5,1,linear,7,2,200,299,40,9,30,0.5,0.25,0.75,0.125,1.0,2.0,1.5,3.0,4.0,\n");
}

TEST(MethodTables, Trends) {
  EXPECT_EQ(trend_header(),
            "layer,q_head,k_head,method,trend,reach,documents,cells,slope,ci_low,ci_high,std_error,"
            "unit,note");
  EXPECT_EQ(trend_lines(small_head()),
            "3,5,1,linear,distance,7,9,28,-0.5,,,,per 1000 tokens,fewer than 3 documents\n");
}

TEST(MethodTables, Methods) {
  EXPECT_EQ(method_header(),
            "layer,q_head,k_head,method,ap_overall,ci_low,ci_high,std_error,documents,against,"
            "difference,difference_low,difference_high,difference_std_error,warning");
  EXPECT_EQ(method_lines(small_head()),
            "3,5,1,linear,0.75,0.7,0.8,0.02,12,counted,0.25,0.2,0.3,0.02,differs from counted by "
            "more than its error\n"
            "3,5,1,counted,0.5,,,,12,,,,,,\n");
}

}  // namespace method_tables_test
}  // namespace qk
