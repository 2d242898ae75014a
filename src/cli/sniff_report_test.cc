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

TEST(MissingText, NamesAllShardsAsAnArrayTakesThem) {
  RunReport report;
  report.num_shards = 128;
  report.missing = {17};
  EXPECT_EQ(missing_text(report), "document 17 is missing (shard 17 of 128): run it again");
  for (int64_t document = 40; document < 2 * 128; document += 2) report.missing.push_back(document);
  report.missing.push_back(171);
  const std::string text = missing_text(report);
  EXPECT_TRUE(
      text.starts_with("documents 17, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, ... are "
                       "missing (shards 0,2,4,6,8,10,12,14,16-18,20,"))
      << text;
  EXPECT_TRUE(
      text.ends_with(",40,42-44,46,48,50,52,54,56,58,60,62,64,66,68,70,72,74,76,78,80,82,84,86,"
                     "88,90,92,94,96,98,100,102,104,106,108,110,112,114,116,118,120,122,124,126 "
                     "of 128): run them again"))
      << text;
  report.num_shards = 0;
  report.missing = {1, 2};
  EXPECT_EQ(missing_text(report), "documents 1, 2 are missing: --resume captures them");
}

}  // namespace sniff_report_test
}  // namespace qk
