#include "dataset/overwrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "dataset/document_table.h"
#include "journal/test_blocks.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Of ours, and of the original tool, which lists no heads.
const std::vector<std::string> kCards = {
    "---\nconfigs:\n- config_name: \"l00h00q\"\n  data_files: \"l00h00q/data.parquet\"\n---\n",
    "# Vectors\n\n- `captured_rows`: `45`\n", "- `bucket_counts`: b0=1, b77=2\n"};

TEST(OutputFolder, NewAndEmptyOnesAreFine) {
  const TestFolder folder;
  prepare_output_folder(folder / "a/b/c", Start::kNew);
  EXPECT_TRUE(fs::is_directory(folder / "a/b/c/.qkscope"));
  prepare_output_folder(folder / "a/b/c", Start::kNew);
  prepare_output_folder(folder / "a/b/c", Start::kOverwrite);
  EXPECT_EQ(journal_path(folder / "a"), folder / "a/.qkscope/journal");
}

TEST(OutputFolder, OtherFilesAreLeftAlone) {
  const TestFolder folder;
  put_file(folder / "notes.txt", "mine");
  fs::create_directories(folder / "l0h0q");  // no name of ours
  prepare_output_folder(folder.path(), Start::kNew);
  remove_dataset(folder.path(), {});
  EXPECT_EQ(read_file(folder / "notes.txt"), "mine");
  EXPECT_TRUE(fs::exists(folder / "l0h0q"));
}

TEST(OutputFolder, DatasetNeedsOverwriteAndStaysUntilItIsReplaced) {
  const TestFolder folder;
  fs::create_directories(folder / "l00h00q");
  put_file(folder / "l00h00q/data.parquet", "old");
  EXPECT_EQ(error_of([&] { prepare_output_folder(folder.path(), Start::kNew); }),
            folder.path().string() +
                ": holds a dataset already (l00h00q): choose another folder or use --overwrite, "
                "which replaces it");
  prepare_output_folder(folder.path(), Start::kOverwrite);
  EXPECT_EQ(read_file(folder / "l00h00q/data.parquet"), "old");
}

TEST(OutputFolder, CardAloneIsADatasetToo) {
  const TestFolder folder;
  for (const std::string& card : kCards) {
    put_file(folder / "README.md", card);
    EXPECT_THAT(error_of([&] { prepare_output_folder(folder.path(), Start::kNew); }),
                HasSubstr("holds a dataset already (README.md)"));
    prepare_output_folder(folder.path(), Start::kOverwrite);
    EXPECT_EQ(read_file(folder / "README.md"), card);
    remove_dataset(folder.path(), {});
    EXPECT_FALSE(fs::exists(folder / "README.md"));
  }
}

TEST(OutputFolder, ReadmeOfTheUsersIsNeverReplaced) {
  const TestFolder folder;
  for (const char* text :
       {"", "notes", "---\nconfigs:\n- config_name: en\n  data_files: a.txt\n---\n"}) {
    put_file(folder / "README.md", text);
    for (const Start start : {Start::kNew, Start::kOverwrite, Start::kResume, Start::kShard}) {
      EXPECT_EQ(error_of([&] { prepare_output_folder(folder.path(), start); }),
                (folder / "README.md").string() +
                    ": is not the card of a dataset, and the run would replace it with its card: "
                    "move it or choose another folder");
    }
    remove_dataset(folder.path(), {});
    EXPECT_EQ(read_file(folder / "README.md"), text);
  }
  put_file(folder / "_saver_state.json", "{}");  // then it is a dataset of the original tool
  prepare_output_folder(folder.path(), Start::kOverwrite);
  remove_dataset(folder.path(), {});
  EXPECT_FALSE(fs::exists(folder / "README.md"));
}

TEST(OutputFolder, LeftoverJournalIsNamed) {
  const TestFolder folder;
  prepare_output_folder(folder.path(), Start::kNew);
  put_file(journal_path(folder.path()), "old");
  EXPECT_EQ(error_of([&] { prepare_output_folder(folder.path(), Start::kNew); }),
            journal_path(folder.path()).string() +
                ": an interrupted run left this journal: --resume continues it, --overwrite "
                "discards it");
  prepare_output_folder(folder.path(), Start::kOverwrite);
  EXPECT_FALSE(fs::exists(journal_path(folder.path())));
}

TEST(OutputFolder, JournalAndFilesAreLeftToResume) {
  const TestFolder folder;
  prepare_output_folder(folder.path(), Start::kNew);
  put_file(journal_path(folder.path()), "old");
  fs::create_directories(folder / "l00h00q");
  put_file(folder / "l00h00q/data.parquet", "some");
  prepare_output_folder(folder.path(), Start::kResume);
  EXPECT_EQ(read_file(journal_path(folder.path())), "old");
  EXPECT_EQ(read_file(folder / "l00h00q/data.parquet"), "some");
}

TEST(FolderLock, HoldsOffASecondRunAndLeavesNothing) {
  const TestFolder folder;
  {
    const FolderLock lock(folder / "data");
    EXPECT_EQ(error_of([&] { FolderLock second(folder / "data"); }),
              (folder / "data").string() + ": another run is writing into this folder");
    EXPECT_TRUE(fs::exists(folder / "data/.qkscope/lock"));
  }
  EXPECT_TRUE(fs::is_empty(folder / "data"));
  put_file(folder / "file", "");
  fs::create_directories(folder / "data/.qkscope");
  put_file(folder / "data/.qkscope/lock", "");  // of a run that was killed
  const FolderLock lock(folder / "data");
}

TEST(OutputFolder, RunningJournalIsNotDiscarded) {
  const TestFolder folder;
  prepare_output_folder(folder.path(), Start::kNew);
  const JournalWriter writer = JournalWriter::create(journal_path(folder.path()), "");
  EXPECT_THAT(error_of([&] { prepare_output_folder(folder.path(), Start::kOverwrite); }),
              HasSubstr("another run is writing into this folder"));
  EXPECT_TRUE(fs::exists(journal_path(folder.path())));
}

TEST(OutputFolder, ForeignParquetInAHeadsFolderIsRefused) {
  const TestFolder folder;
  fs::create_directories(folder / "l00h00q");
  put_file(folder / "l00h00q/part-0.parquet", "theirs");
  EXPECT_THAT(error_of([&] { prepare_output_folder(folder.path(), Start::kOverwrite); }),
              HasSubstr("part-0.parquet: a new dataset would not replace it"));
}

TEST(OutputFolder, SymbolicLinksAreRefused) {
  const TestFolder folder;
  fs::create_directories(folder / "elsewhere");
  put_file(folder / "elsewhere/data.parquet", "theirs");
  fs::create_directories(folder / "data");
  fs::create_directory_symlink(folder / "elsewhere", folder / "data/l00h00q");
  EXPECT_THAT(error_of([&] { prepare_output_folder(folder / "data", Start::kOverwrite); }),
              HasSubstr("l00h00q: is a symbolic link"));
  EXPECT_THAT(error_of([&] { remove_dataset(folder / "data", {}); }),
              HasSubstr("l00h00q: is a symbolic link"));
  EXPECT_EQ(read_file(folder / "elsewhere/data.parquet"), "theirs");
  fs::remove(folder / "data/l00h00q");
  fs::create_directory_symlink(folder / "elsewhere", folder / "data/.qkscope");
  EXPECT_THAT(error_of([&] { prepare_output_folder(folder / "data", Start::kOverwrite); }),
              HasSubstr(".qkscope: is a symbolic link"));
}

TEST(OutputFolder, RemovingTakesOnlyWhatADatasetIs) {
  const TestFolder folder;
  for (const char* head : {"l00h00q", "l00h00k", "l01h00q"}) {
    fs::create_directories(folder / head);
    put_file(folder.path() / head / "data.parquet", "old");
  }
  put_file(folder / "l00h00k/notes.txt", "mine");
  put_file(folder / "README.md", kCards[0]);
  put_file(folder / "_saver_state.json", "{}");
  put_file(folder / "l00h00q/data.parquet.tmp", "torn");
  put_file(folder / "other.json", "{}");
  write_document_table(folder / "documents.parquet", {}, {});
  put_file(folder / "documents.parquet.tmp", "torn");
  remove_dataset(folder.path(), {"l01h00q"});
  EXPECT_FALSE(fs::exists(folder / "l00h00q"));
  EXPECT_FALSE(fs::exists(folder / "l00h00k/data.parquet"));
  EXPECT_TRUE(fs::exists(folder / "l00h00k/notes.txt"));
  EXPECT_TRUE(fs::exists(folder / "l01h00q/data.parquet"));
  EXPECT_FALSE(fs::exists(folder / "README.md"));
  EXPECT_FALSE(fs::exists(folder / "_saver_state.json"));
  EXPECT_FALSE(fs::exists(folder / "documents.parquet"));
  EXPECT_FALSE(fs::exists(folder / "documents.parquet.tmp"));
  EXPECT_TRUE(fs::exists(folder / "other.json"));
}

TEST(OutputFolder, TableOfDocumentsIsADatasetTooUnlessItIsForeign) {
  const TestFolder folder;
  const auto start = [&](Start how) {
    return error_of([&] { prepare_output_folder(folder.path(), how); });
  };
  write_document_table(folder / "documents.parquet", {}, {});
  EXPECT_THAT(start(Start::kNew), HasSubstr("holds a dataset already (documents.parquet)"));
  EXPECT_EQ(start(Start::kOverwrite), "");
  EXPECT_NO_THROW(refuse_foreign_document_table(folder.path()));
  put_file(folder / "documents.parquet", "mine");
  EXPECT_EQ(start(Start::kNew), "");
  EXPECT_THAT(error_of([&] { refuse_foreign_document_table(folder.path()); }),
              HasSubstr("documents.parquet: is not of a dataset"));
  remove_dataset(folder.path(), {});
  EXPECT_EQ(read_file(folder / "documents.parquet"), "mine");
}

TEST(OutputFolder, JournalFolderGoesWhenItIsEmpty) {
  const TestFolder folder;
  prepare_output_folder(folder.path(), Start::kNew);
  put_file(journal_path(folder.path()), "done");
  remove_journal(folder.path());
  EXPECT_TRUE(fs::is_empty(folder.path()));
  remove_journal(folder.path());  // nothing there: fine
}

TEST(OutputFolder, PlaceThatCannotBeAFolderIsNamed) {
  const TestFolder folder;
  put_file(folder / "file", "");
  EXPECT_EQ(error_of([&] { prepare_output_folder(folder / "file/data", Start::kNew); }),
            (folder / "file/data").string() + ": cannot be created: Not a directory");
  EXPECT_THAT(error_of([&] { prepare_output_folder(folder / "file", Start::kNew); }),
              HasSubstr("file: cannot be "));
}

// In a child process without root's rights; 0 if the message is the expected one.
int prepare_unprivileged(const fs::path& folder) {
  if (::geteuid() == 0 && ::seteuid(65534) != 0) return 10;
  try {
    prepare_output_folder(folder, Start::kOverwrite);
  } catch (const Error& error) {
    const std::string expected = folder.string() + ": cannot be written: Permission denied";
    return error.what() == expected ? 0 : 11;
  }
  return 12;
}

TEST(OutputFolder, UnwritableOneIsNamed) {
  const TestFolder folder;
  fs::create_directories(folder / "data");
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod((folder / "data").c_str(), 0555), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(prepare_unprivileged(folder / "data"));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace qk
