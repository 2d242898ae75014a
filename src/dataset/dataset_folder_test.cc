#include "dataset/dataset_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/test_folder.h"
#include "journal/test_blocks.h"

namespace qk {
namespace dataset_folder_test {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Folder : public testing::Test {
 protected:
  void put(const fs::path& file, const char* text = "x") const {
    fs::create_directories((root_ / file).parent_path());
    write_file(root_ / file, text);
  }
  std::string relative(const fs::path& path) const { return fs::relative(path, root_).string(); }

  std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const fs::path& file : list_head_folder(root_).files) out.push_back(relative(file));
    return out;
  }
  std::vector<std::string> sentences(const std::vector<DatasetProblem>& unread) const {
    std::vector<std::string> out;
    for (const DatasetProblem& entry : unread)
      out.push_back(relative(entry.file) + " " + entry.what);
    return out;
  }
  std::vector<std::string> unread_of_head() const {
    return sentences(list_head_folder(root_).unread);
  }

  TestFolder folder_;
  fs::path root_ = folder_.path();
};

TEST_F(Folder, ParquetFilesComeInNameOrder) {
  for (const char* name : {"part-1.parquet", "DATA.PARQUET", "part-0.parq", "z.pq"}) put(name);
  EXPECT_THAT(files(), ElementsAre("DATA.PARQUET", "part-0.parq", "part-1.parquet", "z.pq"));
  EXPECT_THAT(unread_of_head(), IsEmpty());
}

TEST_F(Folder, LinksThatLoopAreNotFollowed) {
  put("head/data.parquet");
  put("head/inner/a.parquet");
  for (const char* name : {"self", "self2", "inner/back"}) {
    fs::create_directory_symlink(root_ / "head", root_ / "head" / name);
  }
  fs::create_directory_symlink("..", root_ / "head/up");
  EXPECT_THAT(
      sentences(list_head_folder(root_ / "head").unread),
      ElementsAre("head/inner/a.parquet is not read: a head's Parquet files lie directly in "
                  "its folder"));
}

TEST_F(Folder, DataOfALinkedFolderIsNamed) {
  put("elsewhere/b.parquet");
  put("elsewhere/deeper/c.parquet");
  put("head/data.parquet");
  fs::create_directory_symlink("../elsewhere", root_ / "head/linked");
  const HeadFolder head = list_head_folder(root_ / "head");
  ASSERT_EQ(head.unread.size(), 1U);
  EXPECT_EQ(head.unread[0].file, root_ / "head/linked/b.parquet");
  fs::create_directory_symlink("head", root_ / "l00h00q");
  EXPECT_THAT(list_head_folder(root_ / "l00h00q").files,
              ElementsAre(root_ / "l00h00q/data.parquet"));
}

TEST_F(Folder, SidecarsAreNoDataAndNoFault) {
  put("data.parquet");
  for (const char* name :
       {".DS_Store", "._data.parquet", "Thumbs.db", ".ipynb_checkpoints/data-checkpoint.parquet",
        "@eaDir/data.parquet/x.parquet", "__MACOSX/._data.parquet", "_SUCCESS", "README.md",
        "notes.txt", "_metadata", ".git/objects/pack.parquet", "dataset_info.json"}) {
    put(name);
  }
  fs::create_directories(root_ / "empty" / "folder");
  write_file(root_ / "mark.csv", "");
  EXPECT_THAT(files(), ElementsAre("data.parquet"));
  EXPECT_THAT(unread_of_head(), IsEmpty());
}

TEST_F(Folder, OtherDataOfAHeadIsNamed) {
  put("data.parquet");
  put("data.csv");
  put("data.parquet.tmp");
  put("more", "PAR1 and so on");
  put("old/deep/part-0.parquet");
  put("old/part-1.parquet");
  EXPECT_THAT(unread_of_head(),
              ElementsAre("data.csv is not read: the names of a head's files end in .parquet",
                          "data.parquet.tmp was left by an interrupted run",
                          "more is not read: the names of a head's files end in .parquet",
                          "old/deep/part-0.parquet is not read, nor is 1 more file below: a "
                          "head's Parquet files lie directly in its folder"));
  EXPECT_EQ(list_head_folder(root_).fault, "");
}

TEST_F(Folder, ACopyIsNotReadBesideItsOriginal) {
  put("data (1).parquet");
  put("data.sync-conflict-20260101-101010-AB.parquet");
  EXPECT_EQ(files().size(), 2U);  // of a file that is not there
  put("data.parquet");
  EXPECT_THAT(files(), ElementsAre("data.parquet"));
  EXPECT_THAT(unread_of_head(),
              ElementsAre("data (1).parquet is not read: by its name it is a copy of data.parquet",
                          "data.sync-conflict-20260101-101010-AB.parquet is not read: by its name "
                          "it is a copy of data.parquet"));
}

TEST_F(Folder, AHeadWithoutAFileSaysWhatItHolds) {
  EXPECT_EQ(list_head_folder(root_).fault, "holds no Parquet file");
  EXPECT_EQ(list_head_folder(root_ / "absent").fault, "cannot be read: No such file or directory");
  put("bucket=0/part-0.parquet");
  const HeadFolder head = list_head_folder(root_);
  EXPECT_EQ(head.fault,
            "holds no Parquet file itself; bucket=0/part-0.parquet is not read: a head's Parquet "
            "files lie directly in its folder, and bucket is a column in them "
            "(pyarrow.dataset.dataset(folder, partitioning=\"hive\") reads such folders)");
  EXPECT_THAT(head.unread, IsEmpty());
}

TEST_F(Folder, AFolderNamedAsAFileIsNoFile) {
  put("data.parquet/part-0.snappy.parquet");
  EXPECT_THAT(list_head_folder(root_).fault,
              HasSubstr("itself; data.parquet/part-0.snappy.parquet is not read"));
}

TEST_F(Folder, TablesOfLakeFormatsAreNamedWhereverTheyLie) {
  const std::pair<const char*, const char*> marks[] = {
      {"_delta_log/0.json", "is a Delta Lake table (it holds _delta_log)"},
      {".hoodie/hoodie.properties", "is a Hudi table (it holds .hoodie)"},
      {"metadata/v1.metadata.json", "is an Iceberg table (it holds metadata)"},
      {"metadata/version-hint.text", "is an Iceberg table (it holds metadata)"},
      {"snapshot/snapshot-1", "is a Paimon table (it holds snapshot)"},
      {"_versions/1.manifest", "is a Lance table (it holds _versions)"},
      {"ducklake-1.parquet", "is a DuckLake table (it holds ducklake-1.parquet)"}};
  put("part-0.parquet");
  for (const auto& [mark, sentence] : marks) {
    const fs::path first = *fs::path(mark).begin();
    put(mark);
    EXPECT_THAT(list_head_folder(root_).fault, HasSubstr(sentence));
    EXPECT_THAT(list_head_folder(root_).files, IsEmpty());
    EXPECT_THAT(error_of([&] { list_dataset_folder(root_); }), HasSubstr(sentence));
    fs::remove_all(root_ / first);
    put(fs::path("below") / mark);
    EXPECT_THAT(list_head_folder(root_).fault,
                HasSubstr(std::string("holds below, which ") + sentence));
    fs::remove_all(root_ / "below");
  }
  put("metadata/notes.txt");
  put("snapshot/readme.txt");
  EXPECT_EQ(list_head_folder(root_).fault, "");
}

TEST_F(Folder, WhatLooksLikeAHeadIsNamed) {
  for (const char* name :
       {"l00h00q/x", "l00h00k/x", "l0h1q/x", "L00H02Q/x", "l00h03q.parquet", "train/l00h00q/x",
        "configs/run.yaml", ".cache/l00h00q/x", "README.md"}) {
    put(name);
  }
  put("l00h04q");
  fs::create_symlink("nowhere", root_ / "l00h05q");
  const DatasetFolder listing = list_dataset_folder(root_);
  EXPECT_THAT(listing.heads,
              ElementsAre(ConfigName{0, 0, Kind::kQuery}, ConfigName{0, 0, Kind::kKey}));
  EXPECT_THAT(sentences(listing.unread),
              ElementsAre("L00H02Q is not read: a head's folder is named like l00h02q",
                          "l00h03q.parquet is not read: a head's folder is named like l00h03q",
                          "l00h04q is not read: a head is a folder, not a file",
                          "l00h05q is not read: it is a link to nothing",
                          "l0h1q is not read: a head's folder is named like l00h01q",
                          "train is not read: it holds heads of its own, like l00h00q"));
}

TEST_F(Folder, AFolderWithoutHeadsSaysWhereTheyAre) {
  const auto text = [&](const fs::path& folder) {
    return no_heads_text(folder, list_dataset_folder(folder));
  };
  EXPECT_EQ(text(root_), ": it has no folder like l00h00q");
  put("l0h0q/data.parquet");
  EXPECT_EQ(text(root_),
            ": it has no folder like l00h00q; l0h0q is not read: a head's folder is named "
            "like l00h00q");
  put("a/b/l00h00q/data.parquet");
  EXPECT_EQ(text(root_), ": it has no folder like l00h00q; the heads lie in a/b: name that folder");
  EXPECT_EQ(text(root_ / "a/b/l00h00q/"),
            ": it has no folder like l00h00q, but is one itself: name the folder that holds it");
}

}  // namespace dataset_folder_test
}  // namespace qk
