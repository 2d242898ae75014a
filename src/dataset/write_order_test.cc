// What happens between two system calls: the order of syncs and renames, files that change on their
// way to the disk, a lock that is removed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_write_log.h"
#include "dataset/dataset_writing.h"
#include "dataset/overwrite.h"
#include "dataset/temporary_files.h"
#include "journal/test_blocks.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(WriteOrder, AllFilesAreSyncedBeforeTheFirstIsRenamed) {
  const TestFolder folder;
  write_journal(folder / "journal", 2, {{.heads = {0, 1}}});
  const JournalSet journal({folder / "journal"});
  ThreadPool pool(1);
  bool renamed = false;
  WriteLog log(
      [&](const std::string& entry) { renamed = renamed || entry == "rename data.parquet"; });
  write_dataset(journal, folder / "data", {}, pool, [&](int64_t, int64_t) {
    EXPECT_FALSE(renamed) << "a file was renamed before all were read again";
  });
  EXPECT_THAT(log.take(),
              ElementsAre("fsync data.parquet.tmp",  // of both heads, and again before the rename
                          "rename data.parquet", "fsync l00h00q", "fsync data.parquet.tmp",
                          "rename data.parquet", "fsync l00h01q"));
}

TEST(WriteOrder, EveryHeadIsSyncedWhenItIsWritten) {
  const TestFolder folder;
  write_journal(folder / "journal", 2, {{.heads = {0, 1, 2}}});
  ThreadPool pool(1);
  int num_synced = 0;
  WriteLog log([&](const std::string& entry) { num_synced += entry.starts_with("fsync") ? 1 : 0; });
  write_dataset(JournalSet({folder / "journal"}), folder / "data", {}, pool,
                [&](int64_t done, int64_t) { EXPECT_EQ(num_synced, done); });
}

// As many rows, but of other positions: what a file that was swapped or a bug would give.
TEST(WriteOrder, AFileWithOtherRowsThanTheJournalIsRefused) {
  const TestFolder folder;
  const BlockShape shape = {.heads = {0}};
  write_documents(folder / "other", {1}, {shape});
  write_documents(folder / "journal", {2}, {shape});
  ThreadPool pool(1);
  write_dataset(JournalSet({folder / "other"}), folder / "b", {}, pool, {});
  const JournalSet journal({folder / "journal"});
  const fs::path swapped = folder / "a/l00h00q/data.parquet.tmp";
  const WriteLog log([&](const std::string& entry) {
    if (!entry.starts_with("fsync")) return;
    fs::copy_file(folder / "b/l00h00q/data.parquet", swapped, fs::copy_options::overwrite_existing);
  });
  EXPECT_EQ(error_of([&] { write_dataset(journal, folder / "a", {}, pool, {}); }),
            swapped.string() +
                ": was not stored as it was written: other rows, expected 5 as in the journal");
}

// The leader renames another's files, and removes these, before they are read back.
TEST(WriteOrder, UnitThatAnotherHasFinishedMeanwhileHasNoResult) {
  const TestFolder folder;
  write_journal(folder / "journal", 2, {{.heads = {0}}});
  const JournalSet journal({folder / "journal"});
  ThreadPool pool(1);
  DatasetWriting leader(journal, folder / "data", {}, "leader");
  DatasetWriting late(journal, folder / "data", {}, "late");
  leader.begin();
  const std::vector<std::string> results = {leader.write_unit(0, pool)};
  const auto write_late = [&](bool finishes) {
    bool has_seen = false;
    const WriteLog log([&](const std::string& entry) {
      if (has_seen || !entry.starts_with("fsync data.parquet.late.")) return;
      has_seen = true;
      finishes ? void(leader.finish(results)) : remove_temporary_files(folder / "data/l00h00q");
    });
    return late.write_unit(0, pool);
  };
  EXPECT_EQ(write_late(true), "");
  EXPECT_TRUE(fs::exists(folder / "data/l00h00q/data.parquet"));
  EXPECT_THAT(error_of([&] { write_late(false); }), HasSubstr("was not stored as it was written"));
}

// Another run's lock that is removed after this one has opened it locks nothing.
TEST(FolderLock, IsTakenAgainIfItsFileVanished) {
  const TestFolder folder;
  const fs::path lock_path = folder / "data/.qkscope/lock";
  int num_calls = 0;
  {
    const WriteLog log([&](const std::string& entry) {
      if (entry == "flock lock" && ++num_calls == 1) fs::remove(lock_path);
    });
    const FolderLock lock(folder / "data");
    EXPECT_EQ(num_calls, 2);
    EXPECT_TRUE(fs::exists(lock_path));
    EXPECT_THAT(error_of([&] { FolderLock second(folder / "data"); }),
                HasSubstr("another run is writing into this folder"));
  }
}

// ENOTSUPP of the kernel, which libc has no name for: Cray DVS.
constexpr int kNotSupported = 524;

TEST(FolderLock, WithoutFlockTheOwnerFileDecides) {
  for (const int reason : {ENOSYS, ENOLCK, ENOTSUP, kNotSupported}) {
    const TestFolder folder;
    WriteLog log;
    log.fail_flock(reason);
    {
      const FolderLock lock(folder / "data");
      EXPECT_THAT(error_of([&] { FolderLock second(folder / "data"); }),
                  HasSubstr("another run is writing into this folder: process "));
      EXPECT_TRUE(fs::exists(folder / "data/.qkscope" / ("owner." + lock.token())));
    }
    EXPECT_TRUE(fs::is_empty(folder / "data")) << reason;
    const FolderLock shard(folder / "data", Sharing::kShared);
    const FolderLock other(folder / "data", Sharing::kShared);
    EXPECT_THAT(error_of([&] { FolderLock alone(folder / "data"); }), HasSubstr("another run"));
  }
}

}  // namespace
}  // namespace qk
