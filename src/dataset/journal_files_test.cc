#include "dataset/journal_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataset/overwrite.h"
#include "dataset/test_owners.h"
#include "journal/test_blocks.h"

namespace qk {
namespace journal_files_test {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

class JournalFiles : public testing::Test {
 protected:
  JournalFiles() { fs::create_directories(folder_ / ".qkscope"); }
  fs::path own(std::string_view name) const { return folder_.path() / ".qkscope" / name; }
  TestFolder folder_;
};

TEST_F(JournalFiles, AreThePlainOneAndThoseOfEachStart) {
  EXPECT_EQ(journal_path(folder_.path(), "812.0.node17-4"), own("journal.812.0.node17-4"));
  for (const char* name : {"journal.b", "journal.a", "journal", "lock", "owner.a", "journals",
                           "journal.c.tmp", "journal.tmp"}) {
    put_file(own(name), "");
  }
  EXPECT_THAT(journal_paths(folder_.path()),
              ElementsAre(own("journal"), own("journal.a"), own("journal.b")));
  EXPECT_TRUE(has_journal(folder_.path()));
  EXPECT_TRUE(journal_paths(folder_ / "none").empty());
  EXPECT_FALSE(has_journal(folder_ / "none"));
}

TEST_F(JournalFiles, GoAllTogetherWithWhatDeadStartsLeft) {
  for (const char* name : {"journal", "journal.a", "journal.a.tmp", "journal.tmp"}) {
    put_file(own(name), "");
  }
  write_owner(folder_.path(), {.token = "dead", .pid = dead_pid()});
  put_file(own("lock"), "");
  remove_journals(folder_.path());
  EXPECT_THAT(names_in(folder_ / ".qkscope"), ElementsAre("lock"));
  fs::remove(own("lock"));
  put_file(own("journal.a"), "");
  remove_journals(folder_.path());
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(JournalFiles, ARemovalThatWasKilledIsDoneAgain) {
  put_file(own("journal"), "");
  put_file(own("journal.b"), "");
  put_file(own("discarded"), "journal\njournal.b\n");
  EXPECT_TRUE(journal_paths(folder_.path()).empty());
  EXPECT_FALSE(has_journal(folder_.path()));
  remove_discarded_journals(folder_.path());
  EXPECT_TRUE(fs::is_empty(own("")));
  put_file(own("journal"), "");
  remove_discarded_journals(folder_.path());
  EXPECT_TRUE(has_journal(folder_.path()));
}

// A folder of that name ends the removal there, as a kill does.
TEST_F(JournalFiles, ARemovalMayEndAtEachOfThem) {
  const std::vector<std::string> names = {"journal", "journal.a", "journal.b", "journal.c.tmp"};
  for (const std::string& last : names) {
    fs::create_directories(folder_ / ".qkscope");  // the lock has removed it
    for (const std::string& name : names) put_file(own(name), "");
    fs::remove(own(last));
    fs::create_directory(own(last));
    EXPECT_THROW(remove_journals(folder_.path()), Error);
    EXPECT_TRUE(journal_paths(folder_.path()).empty()) << last;
    fs::remove(own(last));
    put_file(own(last), "");
    const FolderLock next(folder_.path());
    EXPECT_THAT(names_in(own("")), ElementsAre("lock", "owner." + next.token())) << last;
  }
}

// Several starts do so at once, and one of them may have its journal already.
TEST_F(JournalFiles, ARemovalThatIsDoneAgainLeavesWhatIsNewer) {
  put_file(own("discarded"), "journal.a\njournal.b\n../x\n");
  for (const char* name : {"journal.b", "journal.new"}) put_file(own(name), "");
  put_file(folder_ / "x", "");
  EXPECT_THAT(journal_paths(folder_.path()), ElementsAre(own("journal.new")));
  remove_discarded_journals(folder_.path());
  EXPECT_THAT(names_in(own("")), ElementsAre("journal.new"));
  EXPECT_TRUE(fs::exists(folder_ / "x"));
}

TEST_F(JournalFiles, WhatAKillLeavesGoesWithTheNextStart) {
  for (const char* name : {"ranks.a", "ranks.a.tmp", "now.a", "discarded.tmp"}) {
    put_file(own(name), "");
  }
  {
    const FolderLock shard(folder_.path(), Sharing::kShared);  // they may be of another
    EXPECT_TRUE(fs::exists(own("ranks.a")));
  }
  {
    const FolderLock alone(folder_.path());
  }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(JournalFiles, OfAPlainRunGoesAlone) {
  put_file(own("journal"), "");
  put_file(own("journal.a"), "");
  remove_journal(folder_.path());
  EXPECT_THAT(journal_paths(folder_.path()), ElementsAre(own("journal.a")));
}

TEST_F(JournalFiles, EmptyOnesOfDeadStartsGo) {
  const auto begin = [&](std::string_view name) { return JournalWriter::create(own(name), "{}"); };
  write_documents(own("journal.full"), {3}, {{.layer = 0}});
  begin("journal");
  begin("journal.header");
  begin("journal.torn").append(random_block(1, {.layer = 0}));
  put_file(own("journal.nothing"), "");
  put_file(own("journal.half.tmp"), "QKJ");
  put_file(own("journal.foreign"), "something else, to be named by a reader");
  begin("journal.alive.3");
  write_owner(folder_.path(), {.token = "alive"});
  begin("journal.aliveness");
  write_owner(folder_.path(), {.token = "dead", .pid = dead_pid()});
  begin("journal.dead");
  const JournalWriter writer = begin("journal.written");
  remove_empty_journals(folder_.path());
  EXPECT_THAT(journal_paths(folder_.path()),
              ElementsAre(own("journal"), own("journal.alive.3"), own("journal.foreign"),
                          own("journal.full"), own("journal.written")));
  EXPECT_FALSE(fs::exists(own("journal.half.tmp")));
}

TEST_F(JournalFiles, DocumentAfterDamageIsSeen) {
  write_documents(own("journal.x"), {3, 4}, {{.layer = 0}});
  std::string bytes = read_file(own("journal.x"));
  const size_t second = bytes.find("QKJR", bytes.find("QKJR") + 1);
  bytes[40] = static_cast<char>(bytes[40] ^ 1);  // the first record's head
  bytes[second + 9] = static_cast<char>(bytes[second + 9] ^ 1);
  put_file(own("journal.x"), bytes);
  remove_empty_journals(folder_.path());
  EXPECT_TRUE(fs::exists(own("journal.x")));
}

TEST_F(JournalFiles, EveryStartSeesThoseOfShards) {
  const auto start = [&](Start how) {
    return error_of([&] { prepare_output_folder(folder_.path(), how); });
  };
  write_documents(own("journal.b"), {0}, {{.layer = 0}});
  write_documents(own("journal.c"), {1}, {{.layer = 0}});
  EXPECT_EQ(start(Start::kNew), own("journal.b").string() +
                                    ": an interrupted run left this journal: --resume continues "
                                    "it, --overwrite discards it");
  EXPECT_EQ(start(Start::kResume), "");
  EXPECT_EQ(start(Start::kShard), "");
  {
    const JournalWriter other = JournalWriter::create(own("journal.d"), "{}");
    EXPECT_EQ(start(Start::kShard), "");
    for (const Start how : {Start::kNew, Start::kResume, Start::kOverwrite}) {
      EXPECT_EQ(start(how),
                own("journal.d").string() + ": another run is writing into this folder");
    }
  }
  EXPECT_EQ(journal_paths(folder_.path()).size(), 3U);
  EXPECT_EQ(start(Start::kOverwrite), "");
  EXPECT_TRUE(fs::is_empty(own("")));
}

TEST_F(JournalFiles, ShardLeavesFilesOfADataset) {
  put_file(own("journal.b"), "x");
  fs::create_directories(folder_ / "l00h00q");
  put_file(folder_ / "l00h00q/data.parquet", "some");
  prepare_output_folder(folder_.path(), Start::kShard);
  EXPECT_EQ(read_file(folder_ / "l00h00q/data.parquet"), "some");
  EXPECT_TRUE(fs::exists(own("journal.b")));
  put_file(folder_ / "l00h00q/part-0.parquet", "theirs");
  EXPECT_THAT(error_of([&] { prepare_output_folder(folder_.path(), Start::kShard); }),
              HasSubstr("part-0.parquet: a new dataset would not replace it"));
}

}  // namespace journal_files_test
}  // namespace qk
