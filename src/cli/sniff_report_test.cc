#include "cli/sniff_report.h"

#include <gtest/gtest.h>

namespace qk {
namespace sniff_report_test {

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
