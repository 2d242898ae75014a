#include "cli/sniff_report.h"

#include <gtest/gtest.h>

namespace qk {
namespace sniff_report_test {

TEST(SpeedText, IsOfWhatThisStartCaptured) {
  CaptureCounts counts;
  counts.num_tokens = 55000;
  EXPECT_EQ(speed_text(counts, false), "");
  counts.times.forward = 4;
  EXPECT_EQ(speed_text(counts, false), ", 13750 tokens/s");
  counts.num_tokens_before = 15000;
  EXPECT_EQ(speed_text(counts, true), "; this start: 40,000 tokens, 10000 tokens/s");
  counts.num_tokens_before = 55000;
  EXPECT_EQ(speed_text(counts, true), "");
}

TEST(ContinueText, NamesTheOptionThatGoesOn) {
  RunOptions options;
  RunReport report;
  EXPECT_EQ(continue_text(options, report), "use --resume to continue");
  options.overwrite = true;  // a journal says so
  EXPECT_EQ(continue_text(options, report), "use --resume to continue");
  report.must_overwrite = true;
  EXPECT_EQ(continue_text(options, report), "only --overwrite begins this run again");
  report.must_overwrite = false;
  options.finish = true;
  EXPECT_EQ(continue_text(options, report), "use --finish again");
  options.shard = Shard{3, 32};
  EXPECT_EQ(continue_text(options, report), "run the same shard again to continue");
}

}  // namespace sniff_report_test
}  // namespace qk
