#include "capture/disk_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "capture/test_run.h"

namespace qk::disk_room_test {

TEST(DiskRoom, TwiceTheRows) {
  const TestFolder folder;
  PreparedRun run = test_run({words(10), words(100), ""});
  run.config.output.data_root = folder / "new/run";
  const CorpusLengths lengths = measure_lengths(run);
  const double rows = (10 + 64) * static_cast<double>(run.plan.num_files());
  const DiskRoom room = plan_disk(run, lengths);
  EXPECT_NEAR(room.needed, 2 * rows * row_bytes(run.plan), 1);
  EXPECT_TRUE(room.is_exact);
  ASSERT_TRUE(room.free);
  EXPECT_EQ(*room.free, static_cast<double>(std::filesystem::space(folder.path()).available));
  folder.write("new/run/.qkscope/journal", std::string(1000, 'x'));
  EXPECT_NEAR(plan_disk(run, lengths).needed, room.needed - 1000, 1);
}

TEST(DiskRoom, OfACorpusThatWasMeasuredInPart) {
  PreparedRun run = test_run({words(10)});
  CorpusLengths lengths;
  lengths.tokens = {10, 20};
  lengths.documents = 8;
  const DiskRoom room = plan_disk(run, lengths);
  EXPECT_NEAR(room.needed,
              2 * 4 * 30 * static_cast<double>(run.plan.num_files()) * row_bytes(run.plan), 1);
  EXPECT_FALSE(room.is_exact);
}

TEST(DiskRoom, WeightsToCome) {
  const TestFolder folder;
  PreparedRun run = test_run({words(10)});
  run.config.output.data_root = folder / "run";
  const CorpusLengths lengths = measure_lengths(run);
  const double without = plan_disk(run, lengths).needed;
  run.model.unbrought_bytes = 1000;
  run.model.source = folder / "cache/models--m/snapshots/c";  // on the same disk, not there yet
  EXPECT_NEAR(plan_disk(run, lengths).needed, without + 1000, 1);
  EXPECT_EQ(plan_disk(run, lengths).download, 1000);
  EXPECT_EQ(plan_download(run).needed, 1000);
  EXPECT_TRUE(plan_download(run).fits());
  run.model.source = "/proc";
  EXPECT_NEAR(plan_disk(run, lengths).needed, without, 1);
  run.model.source = folder / "cache";
  run.model.unbrought_bytes = int64_t{1} << 60;
  EXPECT_FALSE(plan_download(run).fits());
}

TEST(DiskRoom, WhatFits) {
  EXPECT_TRUE((DiskRoom{.needed = 10, .free = {}}.fits()));
  EXPECT_TRUE((DiskRoom{.needed = 10, .free = 10}.fits()));
  EXPECT_FALSE((DiskRoom{.needed = 10, .free = 9}.fits()));
  EXPECT_FALSE((DiskRoom{.needed = 10, .free = 5}.is_hopeless()));
  EXPECT_TRUE((DiskRoom{.needed = 10, .free = 4}.is_hopeless()));
  EXPECT_TRUE((DiskRoom{.needed = 10, .free = 9, .is_exact = true}.is_hopeless()));
  EXPECT_FALSE((DiskRoom{.needed = 10, .free = 10, .is_exact = true}.is_hopeless()));
  EXPECT_TRUE((DiskRoom{.needed = 12, .download = 11, .free = 10}.is_hopeless()));
  EXPECT_FALSE((DiskRoom{.needed = 12, .download = 8, .free = 10}.is_hopeless()));
  EXPECT_THAT(disk_sentence("/data", {.needed = 2e12, .free = 5e9}),
              testing::HasSubstr("needs about 2.0 TB of disk"));
  EXPECT_THAT(disk_sentence("/data", {.needed = 3e12, .download = 2e12, .free = 5e9}),
              testing::HasSubstr("the weights to be downloaded (2.0 TB), its journal"));
  EXPECT_THAT(
      disk_sentence("/data", {.needed = 2e12, .download = 2e12, .free = 5e9}),
      testing::HasSubstr("/data: the weights to be downloaded take 2.0 TB, and 5.0 GB are free"));
}

}  // namespace qk::disk_room_test
