#include "report/interval_csv.h"

#include <gtest/gtest.h>

#include <cmath>

namespace qk {
namespace {

TEST(IntervalCsv, OneLineForEveryMetric) {
  HeadMetrics head;
  head.layer = 3;
  head.q_head = 14;
  head.k_head = 2;
  head.intervals.push_back(
      {"ap_overall", "bucket", 0.5, {0.25, 0.75, 0.125, 1e-5, 200}, {40, 36.5, 900}});
  Interval none;
  none.note = IntervalNote::kFewDocuments;
  head.intervals.push_back({"q_R2_pos", "bucket", 1, none, {1, 1, std::nan("")}});
  EXPECT_EQ(interval_lines(head),
            "3,14,2,bucket,ap_overall,0.5,0.25,0.75,0.125,1e-05,200,40,36.5,900.0,\n"
            "3,14,2,bucket,q_R2_pos,1.0,,,,,0,1,1.0,,fewer than 5 documents\n");
  EXPECT_EQ(interval_lines(HeadMetrics()), "");
}

}  // namespace
}  // namespace qk
