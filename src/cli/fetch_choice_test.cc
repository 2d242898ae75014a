#include "cli/fetch_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"

namespace qk {
namespace fetch_choice_test {

using testing::ElementsAre;
using testing::ElementsAreArray;

std::vector<std::string> chosen(RepoKind kind, const std::vector<std::string>& names,
                                const FetchWishes& wishes = {}) {
  return choose_files(kind, names, wishes, "'org/x' (revision main)");
}

const std::vector<std::string> kCapture = {".gitattributes",
                                           "README.md",
                                           "documents.parquet",
                                           "l00h00k/data.parquet",
                                           "l00h00q/a/b.txt",
                                           "l00h00q/data.parquet",
                                           "l03h10q/data.parquet",
                                           "l10h00q/data.parquet",
                                           "notes.txt"};

TEST(FetchChoice, HeadsComeWithWhatSpeaksOfThem) {
  EXPECT_THAT(chosen(RepoKind::kDataset, kCapture), testing::ElementsAreArray(kCapture));
  EXPECT_THAT(chosen(RepoKind::kDataset, kCapture, {.heads = {"l00h*"}}),
              ElementsAre("README.md", "documents.parquet", "l00h00k/data.parquet",
                          "l00h00q/a/b.txt", "l00h00q/data.parquet"));
  EXPECT_THAT(chosen(RepoKind::kDataset, kCapture, {.heads = {"l0[1-9]h*q", "l10h00?"}}),
              ElementsAre("README.md", "documents.parquet", "l03h10q/data.parquet",
                          "l10h00q/data.parquet"));
  EXPECT_THAT(chosen(RepoKind::kDataset, kCapture, {.heads = {"l[!0]*"}}),
              ElementsAre("README.md", "documents.parquet", "l10h00q/data.parquet"));
}

TEST(FetchChoice, HeadsOfOneModelOfSeveral) {
  EXPECT_THAT(chosen(RepoKind::kDataset,
                     {"README.md", "a/README.md", "a/l00h00q/x", "b/README.md", "b/l01h00q/x"},
                     {.heads = {"l00*"}}),
              ElementsAre("README.md", "a/README.md", "a/l00h00q/x"));
}

TEST(FetchChoice, WhatMatchesNothingIsRefused) {
  EXPECT_EQ(error_of([] { chosen(RepoKind::kDataset, kCapture, {.heads = {"l00*", "L00*"}}); }),
            "--heads: no head of 'org/x' (revision main) matches 'L00*': it has 4 heads, from "
            "l00h00k to l10h00q");
  EXPECT_EQ(error_of([] { chosen(RepoKind::kDataset, {"a.txt"}, {.heads = {"*"}}); }),
            "--heads: 'org/x' (revision main) has no heads: no folder like l00h00q");
  EXPECT_EQ(error_of([] { chosen(RepoKind::kDataset, {"a.txt"}, {.files = {"b*"}}); }),
            "--files: no file of 'org/x' (revision main) matches 'b*': it has 1 file, a.txt first");
}

TEST(FetchChoice, AStarOfFilesCrossesFolders) {
  EXPECT_THAT(chosen(RepoKind::kDataset, kCapture, {.files = {"*.txt"}}),
              ElementsAre("l00h00q/a/b.txt", "notes.txt"));
  EXPECT_THAT(chosen(RepoKind::kDataset, kCapture, {.files = {"l03h10q/"}}),
              ElementsAre("l03h10q/data.parquet"));
}

TEST(FetchChoice, OfAModelOnlyTheWeightsThatAreRead) {
  EXPECT_THAT(
      chosen(RepoKind::kModel, {"README.md", "config.json", "model.safetensors", "onnx/model.onnx",
                                "original/c.pth", "pytorch_model.bin", "tokenizer.json", "x.gguf"}),
      ElementsAre("README.md", "config.json", "model.safetensors", "tokenizer.json"));
  EXPECT_THAT(chosen(RepoKind::kModel, {"a.gguf", "b.gguf"}), ElementsAre("a.gguf", "b.gguf"));
  EXPECT_THAT(chosen(RepoKind::kModel, {"a.gguf", "b.gguf"}, {.files = {"b*"}}),
              ElementsAre("b.gguf"));
}

}  // namespace fetch_choice_test
}  // namespace qk
