// Datasets found by their id in the Hub cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/hash.h"
#include "base/test_error.h"
#include "corpus/corpus_files.h"
#include "corpus/test_corpus.h"
#include "download/test_cache.h"
#include "download/test_repository.h"

namespace qk {
namespace hub_corpus_test {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kLine = "{\"text\":\"a\"}\n";

class HubCorpus : public testing::Test {
 protected:
  void SetUp() override { ::setenv("HF_HUB_CACHE", cache_.path().c_str(), 1); }
  void TearDown() override { ::unsetenv("HF_HUB_CACHE"); }

  static std::unique_ptr<Corpus> open() {
    CorpusConfig config;
    config.path = "org/data";
    return open_local(config);
  }

  TestCache cache_{"datasets--org--data"};
};

TEST_F(HubCorpus, ASnapshotIsAFolder) {
  cache_.add("data/train-00000-of-00001.jsonl", "b1", kLine);
  cache_.add("data/test-00000-of-00001.jsonl", "b2", kLine);
  const std::unique_ptr<Corpus> corpus = open();
  EXPECT_EQ(corpus->next().value().place, "data/train-00000-of-00001.jsonl line 1");
  EXPECT_FALSE(corpus->next());
}

TEST_F(HubCorpus, LargeFilesAreIdentifiedByTheirBlobs) {
  const std::string digest(64, 'a');  // not that of the contents: shows that they are not read
  cache_.add("a.jsonl", digest, kLine);
  cache_.add("b.jsonl", std::string(40, 'b'), kLine);
  const std::unique_ptr<Corpus> corpus = open();
  EXPECT_EQ(corpus->digested_files()[0].sha256, digest);
  EXPECT_EQ(corpus->digested_files()[1].sha256,
            sha256_hex(std::as_bytes(std::span(std::string_view(kLine)))));
}

TEST_F(HubCorpus, OnlyTheFilesOfTheSplitMustBeThere) {
  cache_.add("data/train-00001-of-00002.jsonl", "b1", kLine);
  EXPECT_EQ(error_of([] { open(); }),
            "dataset.path: 'org/data' is in the Hub cache, but incomplete (1 of 2 files like "
            "data/train--of-00002.jsonl): run again without HF_HUB_OFFLINE");
  cache_.add("data/train-00000-of-00002.jsonl", "b0", kLine);
  EXPECT_EQ(error_of([] { open(); }), "");
  cache_.write_tree(
      R"({"files":{"data/train-00000-of-00002.jsonl":{},)"
      R"("data/train-00001-of-00002.jsonl":{},"data/test-00000-of-00001.jsonl":{}}})");
  EXPECT_EQ(error_of([] { open(); }), "");
  cache_.write_tree(R"({"files":{"train/a.jsonl":{},"train/b.jsonl":{}}})");
  EXPECT_THAT(error_of([] { open(); }), HasSubstr("incomplete (train/a.jsonl is missing)"));
  // The README may name other files.
  cache_.write_tree(R"({"files":{"README.md":{},"data/train-00000-of-00002.jsonl":{}}})");
  EXPECT_THAT(error_of([] { open(); }), HasSubstr("incomplete (README.md is missing)"));
}

std::vector<std::string> asked_for(TestRepository& repository, const CorpusConfig& config) {
  repository.asked.clear();
  open_corpus(config, repository);
  return repository.asked;
}

TEST(HubFiles, OnlyCardsAndTheFilesOfTheSplitAreAskedFor) {
  TestRepository repository("org/data");
  for (const char* name : {"data/train-00000-of-00002.jsonl", "data/train-00001-of-00002.jsonl",
                           "data/test-00000-of-00001.jsonl", "other.jsonl"}) {
    repository.add(name, kLine);
  }
  CorpusConfig config{.path = "org/data"};
  EXPECT_THAT(asked_for(repository, config),
              ElementsAre("data/train-00000-of-00002.jsonl", "data/train-00001-of-00002.jsonl"));
  repository.add("README.md", "---\nconfigs:\n- config_name: a\n  data_files: other.jsonl\n---\n");
  EXPECT_THAT(asked_for(repository, config), ElementsAre("README.md", "other.jsonl"));
  repository.add(".huggingface.yaml",
                 "configs:\n- {config_name: b, data_files: [{split: test, path: data/test-*}]}\n");
  config.split = "test[:1]";
  EXPECT_THAT(asked_for(repository, config),
              ElementsAre(".huggingface.yaml", "README.md", "data/test-00000-of-00001.jsonl"));
}

TEST(HubFiles, TheRevisionIsThatOfTheConfiguration) {
  TestRepository repository("org/data");
  repository.add("a.jsonl", kLine);
  open_corpus({.path = "org/data"}, repository);
  EXPECT_EQ(repository.revision, "main");
  open_corpus({.path = "org/data", .revision = "a/b"}, repository);
  EXPECT_EQ(repository.revision, "a/b");
}

TEST(HubFiles, ScriptsAreRefused) {
  TestRepository repository("org/data");
  repository.add("data.py", "print()");
  repository.add("a.jsonl", kLine);
  EXPECT_EQ(error_of([&] { open_corpus({.path = "org/data"}, repository); }),
            "dataset.path: 'org/data' is made by the script data.py, which is never run: set "
            "dataset.revision to refs/convert/parquet, where the Hub keeps Parquet files made from "
            "it");
  EXPECT_THAT(repository.asked, testing::IsEmpty());
}

class ConvertedFiles : public testing::Test {
 protected:
  ConvertedFiles() {
    for (const char* name : {"default/train/0000.parquet", "default/train/0001.parquet",
                             "default/val_all/0000.parquet", "extra/partial-train/0000.parquet"}) {
      repository_.add(name, "");
    }
    repository_.add(".gitattributes", "");
  }
  std::vector<std::string> names(const CorpusConfig& config) {
    return find_corpus_files(config, repository_).names;
  }

  TestRepository repository_{"org/data"};
  CorpusConfig config_{.path = "org/data", .revision = "refs/convert/parquet"};
};

TEST_F(ConvertedFiles, WithANameFoldersAreConfigsAndSplits) {
  config_.name = "default";
  EXPECT_THAT(names(config_),
              ElementsAre("default/train/0000.parquet", "default/train/0001.parquet"));
  config_.split = "val_all";
  EXPECT_THAT(names(config_), ElementsAre("default/val_all/0000.parquet"));
  config_.name = "extra";
  config_.split = "train";
  EXPECT_THAT(error_of([&] { names(config_); }), HasSubstr("it has partial-train"));
  config_.split = "partial-train";
  EXPECT_THAT(names(config_), ElementsAre("extra/partial-train/0000.parquet"));
  config_.name = "other";
  EXPECT_THAT(error_of([&] { names(config_); }),
              HasSubstr("dataset.name: 'other' is not a config of"));
}

TEST_F(ConvertedFiles, WithoutANameTheyAreReadAsDatasetsReadsThem) {
  EXPECT_THAT(names(config_),
              ElementsAre("default/train/0000.parquet", "default/train/0001.parquet",
                          "extra/partial-train/0000.parquet"));
  config_.split = "validation";
  EXPECT_THAT(names(config_), ElementsAre("default/val_all/0000.parquet"));
}

TEST_F(ConvertedFiles, ACommitOfTheBranchIsLikeTheBranch) {
  config_.revision = TestCache::kCommit;
  config_.name = "default";
  config_.split = "val_all";
  EXPECT_THAT(names(config_), ElementsAre("default/val_all/0000.parquet"));
  repository_.add("more.parquet", "");
  EXPECT_THAT(error_of([&] { names(config_); }), HasSubstr("'val_all' is not a split of"));
}

TEST_F(HubCorpus, AFolderOfTheSameNameComesFirst) {
  cache_.add("a.jsonl", "b1", kLine);
  const TestFolder work;
  work.write("org/data/local.jsonl", kLine);
  const fs::path before = fs::current_path();
  fs::current_path(work.path());
  const std::string place = open()->next().value().place;
  fs::current_path(before);
  EXPECT_EQ(place, "local.jsonl line 1");
}

TEST_F(HubCorpus, NeitherOnTheDiskNorInTheCache) {
  EXPECT_EQ(error_of([] { open(); }),
            "dataset.path: 'org/data' is neither a file nor a folder, and not in the Hub cache " +
                cache_.path().string() +
                " (revision main): download it first with `hf "
                "download org/data --repo-type dataset`");
}

}  // namespace hub_corpus_test
}  // namespace qk
