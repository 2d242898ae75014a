#include "analysis/analysis_summary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace qk {
namespace {

TEST(SpreadOf, QuartilesLieBetweenNeighbours) {
  const Spread spread = spread_of({4, NAN, 1, 10, 3});
  EXPECT_EQ(spread.count, 4);
  EXPECT_DOUBLE_EQ(spread.mean, 4.5);
  EXPECT_DOUBLE_EQ(spread.deviation, std::sqrt((0.25 + 12.25 + 30.25 + 2.25) / 3));
  EXPECT_EQ(spread.lowest, 1);
  EXPECT_DOUBLE_EQ(spread.lower, 2.5);
  EXPECT_DOUBLE_EQ(spread.median, 3.5);
  EXPECT_DOUBLE_EQ(spread.upper, 5.5);
  EXPECT_EQ(spread.highest, 10);
}

TEST(SpreadOf, OneNumberHasNoDeviationAndNoneHasNothing) {
  const Spread one = spread_of({2});
  EXPECT_EQ(one.upper, 2);
  EXPECT_TRUE(std::isnan(one.deviation));
  const Spread none = spread_of({NAN});
  EXPECT_EQ(none.count, 0);
  for (const double value : {none.mean, none.deviation, none.lowest, none.lower, none.median,
                             none.upper, none.highest}) {
    EXPECT_TRUE(std::isnan(value));
  }
}

TEST(AnalysisSummary, HasOneLineForEachMetricOfTheOriginals) {
  AnalysisSummary summary;
  HeadMetrics head;
  head.ap_overall = 0.25;
  head.q_r2_pos = -1.2345e-05;
  summary.add(head);
  head.ap_overall = 0.75;
  head.q_r2_pos = NAN;
  summary.add(head);
  const std::string text = summary.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 9);
  EXPECT_TRUE(text.starts_with("over heads                    count        mean         std"));
  EXPECT_NE(text.find("\nap_overall                        2         0.5     0.35355        0.25"
                      "       0.375         0.5       0.625        0.75\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\nq_R2_pos                          1 -1.2345e-05           -"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("q_beta_norm"), std::string::npos);
}

}  // namespace
}  // namespace qk
