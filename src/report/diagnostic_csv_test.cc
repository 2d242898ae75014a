#include "report/diagnostic_csv.h"

#include <gtest/gtest.h>

namespace qk {
namespace {

TEST(DiagnosticCsv, OneLineForAHead) {
  HeadMetrics head;
  head.layer = 3;
  head.q_head = 14;
  head.k_head = 2;
  EXPECT_EQ(diagnostic_lines(head), "");
  HeadDiagnostics& d = head.diagnostics.emplace();
  EXPECT_EQ(diagnostic_lines(head), "3,14,2,0,,,,,,,,,,,,,,\n");
  d.documents = 48;
  d.window = 512;
  d.position_share = 0.25;
  d.position_interval = {.low = 0.125, .high = 0.375, .std_error = 0.0625};
  d.position_floor = 0.015625;
  d.bucket_r2 = 0.5;
  d.line_share = 0.75;
  d.turn_share = 0.875;
  d.score_ks_distance = 2;
  d.score_ks_floor = 3;
  d.score_skew = 4;
  d.score_kurt = -5;
  EXPECT_EQ(diagnostic_lines(head),
            "3,14,2,48,512,0.25,0.125,0.375,0.0625,0.015625,0.5,0.75,0.875,2.0,3.0,4.0,-5.0,\n");
  d.position_share = 0.75;
  EXPECT_TRUE(diagnostic_lines(head).ends_with(",queries do not follow a line\n"));
}

TEST(DiagnosticCsv, OneLineForARopePair) {
  HeadMetrics head;
  head.layer = 1;
  EXPECT_EQ(rope_pair_lines(head), "");
  HeadDiagnostics& d = head.diagnostics.emplace();
  d.rope_set = 1;
  d.rope_pairs.push_back({0, 0, 32, 6.5, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.75});
  RopePairShare& still = d.rope_pairs.emplace_back();
  still.first_component = 64;
  still.variance_share = 0.5;
  EXPECT_EQ(rope_pair_lines(head),
            "1,0,0,1,0,0,32,6.5,0.5,0.25,0.125,0.0625,0.03125,0.75\n"
            "1,0,0,1,,64,,,0.5,,,,,\n");
}

}  // namespace
}  // namespace qk
