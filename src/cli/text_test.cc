#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/number_text.h"
#include "base/range_text.h"
#include "cli/compare_text.h"
#include "cli/progress_line.h"
#include "cli/transfer_line.h"

namespace qk {
namespace {

TEST(NumberText, Counts) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(-1234567), "-1,234,567");
  EXPECT_EQ(count_text(-123), "-123");
  EXPECT_EQ(plural(1, "head"), "1 head");
  EXPECT_EQ(plural(1024, "head"), "1,024 heads");
}

TEST(NumberText, Bytes) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1000), "1.0 kB");
  EXPECT_EQ(bytes_text(98'362'432), "98.4 MB");
  EXPECT_EQ(bytes_text(4e15), "4000.0 TB");
}

TEST(NumberText, Seconds) {
  EXPECT_EQ(seconds_text(7.24), "7.2 s");
  EXPECT_EQ(seconds_text(59.96), "1 min 00 s");
  EXPECT_EQ(seconds_text(185), "3 min 05 s");
  EXPECT_EQ(seconds_text(8040), "2 h 14 min");
}

TEST(TransferText, BytesRateAndTimeLeft) {
  TransferProgress progress{.bytes_done = 1'234'000'000,
                            .bytes_total = 16'400'000'000,
                            .files_done = 3,
                            .files_total = 5,
                            .bytes_per_second = 85e6};
  EXPECT_EQ(transfer_text(progress),
            "download  3/5 files, 1.2 of 16.4 GB, 85.0 MB/s, 2 min 58 s left");
  progress.is_upload = true;
  progress.bytes_done = 980'000;
  EXPECT_EQ(transfer_text(progress),
            "upload    3/5 files, 980.0 kB of 16.4 GB, 85.0 MB/s, 3 min 13 s left");
  progress.bytes_per_second = 0;
  EXPECT_EQ(transfer_text(progress), "upload    3/5 files, 980.0 kB of 16.4 GB, 0 B/s");
  progress.bytes_done = progress.bytes_total;
  EXPECT_EQ(transfer_text(progress), "upload    3/5 files, 16.4 of 16.4 GB");
}

// Numbers of neighbouring columns never touch, however long they are.
TEST(CompareText, ColumnsStayApart) {
  const DifferenceError error = {-0.00048336, -0.00022609, 1e-5, 1.2345e-120, ""};
  Comparison comparison;
  comparison.pairing = Pairing::kPaired;
  comparison.metrics.push_back(
      {.metric = "ap_overall",
       .heads = {{0, 3, 1, -0.00012345, -0.00047891, -0.00035546, error, true}},
       .num_pairs = 1,
       .mean_a = -0.00012345,
       .mean_b = -0.00047891,
       .mean_difference = -0.00035546,
       .mean_error = error,
       .spearman = -0.00012345,
       .pearson = -0.00054321,
       .num_tested = 1});
  const std::string text = compare_text({}, {}, comparison, {}, {.metric = "ap_overall"});
  EXPECT_NE(text.find("  -0.00035546  -0.00048336 to -0.00022609  -0.00012345  -0.00054321\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  -0.00035546  -0.00048336 to -0.00022609  1.2345e-120      yes\n"),
            std::string::npos)
      << text;
}

TEST(PlanText, Ranges) {
  EXPECT_EQ(ranges_text({}), "");
  EXPECT_EQ(ranges_text({4}), "4");
  EXPECT_EQ(ranges_text({0, 1}), "0, 1");
  EXPECT_EQ(ranges_text({0, 1, 2, 5, 7, 8, 9, 10}), "0-2, 5, 7-10");
  EXPECT_EQ(ranges_text({0, 1, 5, 7, 8, 9}, ","), "0,1,5,7-9");
}

TEST(ProgressText, Capture) {
  RunProgress progress;
  progress.phase = Phase::kCapture;
  progress.done = 12;
  progress.in_progress = 4;
  progress.total = 64;
  progress.num_tokens = 34567;
  progress.num_rows = 1234567;
  progress.seconds = 30;
  EXPECT_EQ(progress_text(progress),
            "capture   12/64 documents, 34,567 tokens, 1152 tokens/s, 1,234,567 rows, 1 min 30 s "
            "left");
  progress.total.reset();
  EXPECT_EQ(progress_text(progress),
            "capture   12 documents, 34,567 tokens, 1152 tokens/s, 1,234,567 rows");
}

TEST(ProgressText, OtherPhases) {
  RunProgress progress;
  progress.done = 50'000'000;
  progress.total = 100'000'000;
  progress.seconds = 2;
  EXPECT_EQ(progress_text(progress), "identify  50.0 MB of 100.0 MB, 2.0 s left");
  progress.phase = Phase::kWrite;
  progress.done = progress.total.emplace(360);
  EXPECT_EQ(progress_text(progress), "write     360/360 files");
}

}  // namespace
}  // namespace qk
