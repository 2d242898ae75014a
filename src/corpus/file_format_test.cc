#include "corpus/file_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"

namespace qk {
namespace {

using testing::ElementsAre;

SplitFiles split_of(const std::string& name, const std::vector<std::string>& files) {
  return {name, files};
}

FileFormat chosen(const std::vector<std::string>& files) {
  std::vector<SplitFiles> splits = {split_of("train", files)};
  return choose_format("/f", splits);
}

std::string refusal(std::vector<SplitFiles> splits) {
  return error_of([&] { choose_format("/f", splits); });
}

TEST(FileFormat, TheRightmostKnownExtensionCounts) {
  EXPECT_EQ(format_of("train.v2.jsonl.gz"), FileFormat::kJson);
  EXPECT_EQ(format_of("a.json.parquet"), FileFormat::kParquet);
  EXPECT_EQ(format_of("dir.txt/a.gpq"), FileFormat::kParquet);
  EXPECT_EQ(format_of("notes.txt"), FileFormat::kText);
  for (const char* name : {"", "json", "a.csv", "a.jsonx", "dir.txt/a"}) {
    EXPECT_FALSE(format_of(name)) << name;
  }
}

TEST(FileFormat, TheMostFrequentExtensionIsRead) {
  EXPECT_EQ(chosen({"a.txt", "b.txt", "c.parquet"}), FileFormat::kText);
  EXPECT_EQ(chosen({"a.txt", "b.parquet", "c.json", "d.jsonl"}), FileFormat::kParquet);  // a tie
  EXPECT_EQ(chosen({"a.txt", "b.jsonl"}), FileFormat::kJson);
  EXPECT_EQ(chosen({"a.csv", "b.json"}), FileFormat::kJson);
  std::vector<SplitFiles> splits = {
      split_of("train", {"a.png", "b.json.gz", "c.txt", "d.jsonl", "e.json", "f.zip"})};
  EXPECT_EQ(choose_format("/f", splits), FileFormat::kJson);
  EXPECT_THAT(splits[0].files, ElementsAre("b.json.gz", "d.jsonl", "e.json"));
}

TEST(FileFormat, OnlyTheFirst200FilesVote) {
  std::vector<std::string> files;
  for (int i = 0; i < 101; ++i) files.push_back("a" + std::to_string(i) + ".txt");
  for (int i = 0; i < 99; ++i) files.push_back("b" + std::to_string(i) + ".json");
  for (int i = 0; i < 50; ++i) files.push_back("c" + std::to_string(i) + ".json");
  EXPECT_EQ(chosen(files), FileFormat::kText);
  files.erase(files.begin(), files.begin() + 2);  // 99 against 101
  EXPECT_EQ(chosen(files), FileFormat::kJson);
}

TEST(FileFormat, WhatCannotBeReadIsRefused) {
  EXPECT_EQ(
      refusal({split_of("train", {"a.png", "b"})}),
      "/f: split 'train': expected data files (.parquet, .jsonl, .json, .ndjson, .txt), found "
      "none");
  EXPECT_EQ(refusal({split_of("test", {"a.csv", "b.csv", "c.txt"})}),
            "/f: split 'test': most files are .csv: expected one of .parquet, .jsonl, .json, "
            ".ndjson, .txt");
  EXPECT_EQ(refusal({split_of("train", {"a.zip"})}),
            "/f: split 'train': most files are .zip: expected one of .parquet, .jsonl, .json, "
            ".ndjson, .txt");
  EXPECT_EQ(refusal({split_of("train", {"a.jsonl"}), split_of("test", {"b.txt"})}),
            "/f: expected the same kind of files in all splits, found .jsonl and .txt");
  EXPECT_EQ(refusal({split_of("train", {"a.jsonl"}), split_of("test", {"b.json"})}), "");
}

}  // namespace
}  // namespace qk
