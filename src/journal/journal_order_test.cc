// In which order the journal writes and syncs: what a power cut may lose depends on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_write_log.h"
#include "journal/test_blocks.h"

namespace qk {
namespace {

using ::testing::ElementsAre;

TEST(JournalOrder, IsCreatedUnderATemporaryName) {
  const TestFolder folder;
  const std::string name = folder.path().filename().string();
  WriteLog log;
  JournalWriter::create(folder / "journal", "{}");
  EXPECT_THAT(log.take(), ElementsAre("flock journal.tmp", "pwrite journal.tmp",
                                      "fsync journal.tmp", "rename journal", "fsync " + name));
}

TEST(JournalOrder, BlocksAreSyncedBeforeTheirEnd) {
  const TestFolder folder;
  JournalWriter writer = JournalWriter::create(folder / "journal", "{}");
  WriteLog log;
  writer.append(random_block(0, {}));
  EXPECT_THAT(log.take(), ElementsAre("pwrite journal"));
  writer.end_document({.document = 0, .num_records = 1});
  EXPECT_THAT(log.take(), ElementsAre("fdatasync journal", "pwrite journal", "fdatasync journal"));
  writer.end_document({.document = 1});  // nothing was appended that could get lost
  EXPECT_THAT(log.take(), ElementsAre("pwrite journal", "fdatasync journal"));
}

TEST(JournalOrder, ACutTailIsSynced) {
  const TestFolder folder;
  write_journal(folder / "journal", 1, {{}});
  const JournalReader journal(folder / "journal");
  WriteLog log;
  JournalWriter::resume(journal);
  EXPECT_THAT(log.take(), ElementsAre("flock journal", "ftruncate journal", "fdatasync journal"));
}

}  // namespace
}  // namespace qk
