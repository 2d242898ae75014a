#include "plasticity/diagnostic_warnings.h"

#include <gtest/gtest.h>

namespace qk {
namespace {

HeadDiagnostics diagnosed(double position, double line, double distance, double floor) {
  HeadDiagnostics out;
  out.position_share = position;
  out.line_share = line;
  out.score_ks_distance = distance;
  out.score_ks_floor = floor;
  return out;
}

TEST(DiagnosticWarnings, OfAHead) {
  EXPECT_EQ(diagnostic_warning({}), "");
  EXPECT_EQ(diagnostic_warning(diagnosed(0.19, 0.5, 0.05, 0.03)), "");
  EXPECT_EQ(diagnostic_warning(diagnosed(0.09, 0, 0.05, 0.03)), "");  // position hardly matters
  EXPECT_EQ(diagnostic_warning(diagnosed(0.21, 0.5, 0.05, 0.03)), "queries do not follow a line");
  EXPECT_EQ(diagnostic_warning(diagnosed(0.3, 0.9, 0.09, 0.03)), "scores are far from normal");
  EXPECT_EQ(diagnostic_warning(diagnosed(0.3, 0.1, 0.09, 0.03)),
            "queries do not follow a line; scores are far from normal");
}

TEST(DiagnosticWarnings, CountHeads) {
  DiagnosticWarnings warnings;
  warnings.add(diagnosed(0.3, 0.9, 0.03, 0.03));
  EXPECT_TRUE(warnings.sentences(true, false).empty());
  warnings.add(diagnosed(0.3, 0.2, 0.09, 0.03));
  warnings.add(diagnosed(0.01, 0.2, 0.09, 0.03));
  const std::vector<std::string> expected = {
      "in 1 of 3 heads a straight line misses more than a tenth of the queries' variance that their "
      "position explains: do not rely on the method linear there",
      "in 2 of 3 heads the scores are far from normal (score_ks_distance more than 0.025 above "
      "score_ks_floor): check them with the method counted"};
  EXPECT_EQ(warnings.sentences(true, false), expected);
  EXPECT_EQ(warnings.sentences(false, false), std::vector<std::string>{expected[1]});
  EXPECT_TRUE(
      warnings.sentences(false, true).front().ends_with("believe the method counted there"));
}

}  // namespace
}  // namespace qk
