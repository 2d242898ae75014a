// Datasets found by their id in the Hub cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/hash.h"
#include "base/test_error.h"
#include "corpus/test_corpus.h"
#include "hub/test_cache.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
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
  EXPECT_EQ(
      error_of([] { open(); }),
      "dataset.path: 'org/data' is in the Hub cache, but incomplete (1 of 2 files like "
      "data/train--of-00002.jsonl); HF_HUB_OFFLINE is set: unset it, or download the rest with "
      "`hf download org/data --repo-type dataset`");
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
                " (revision main); HF_HUB_OFFLINE is set: unset it, or download it first with `hf "
                "download org/data --repo-type dataset`");
}

}  // namespace
}  // namespace qk
