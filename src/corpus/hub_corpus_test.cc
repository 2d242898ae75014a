// Datasets found by their id in the Hub's cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/hash.h"
#include "corpus/corpus.h"
#include "corpus/test_error.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";
constexpr const char* kLine = "{\"text\":\"a\"}\n";

class HubCorpus : public testing::Test {
 protected:
  void SetUp() override { ::setenv("HF_HUB_CACHE", cache_.path().c_str(), 1); }
  void TearDown() override { ::unsetenv("HF_HUB_CACHE"); }

  // A file of the snapshot as a link to its blob, the way the clients store it.
  void add(const std::string& name, const std::string& blob, const std::string& text) const {
    const std::string repo = "datasets--org--data/";
    cache_.write(repo + "refs/main", kCommit);
    const std::string target = cache_.write(repo + "blobs/" + blob, text);
    const fs::path link = cache_ / (repo + "snapshots/" + kCommit + "/" + name);
    fs::create_directories(link.parent_path());
    fs::create_symlink(target, link);
  }
  static std::unique_ptr<Corpus> open() {
    CorpusConfig config;
    config.path = "org/data";
    return open_corpus(config);
  }

  TestFolder cache_;
};

TEST_F(HubCorpus, ASnapshotIsAFolder) {
  add("data/train-00000-of-00001.jsonl", "b1", kLine);
  add("data/test-00000-of-00001.jsonl", "b2", kLine);
  const std::unique_ptr<Corpus> corpus = open();
  EXPECT_EQ(corpus->next().value().place, "data/train-00000-of-00001.jsonl line 1");
  EXPECT_FALSE(corpus->next());
}

TEST_F(HubCorpus, LargeFilesAreIdentifiedByTheirBlobs) {
  const std::string digest(64, 'a');  // not the digest of what it holds: shows that it is not read
  add("a.jsonl", digest, kLine);
  add("b.jsonl", std::string(40, 'b'), kLine);
  const std::unique_ptr<Corpus> corpus = open();
  EXPECT_EQ(corpus->digested_files()[0].sha256, digest);
  EXPECT_EQ(corpus->digested_files()[1].sha256,
            sha256_hex(std::as_bytes(std::span(std::string_view(kLine)))));
}

TEST_F(HubCorpus, ALinkWhoseBlobIsGoneIsAMissingFile) {
  add("a.jsonl", "b1", kLine);
  add("b.jsonl", "b2", kLine);
  fs::remove(cache_ / "datasets--org--data/blobs/b2");
  EXPECT_THAT(error_of([] { open(); }), HasSubstr("not whole (b.jsonl is missing)"));
}

TEST_F(HubCorpus, AnIncompleteSnapshotIsRefused) {
  add("data/train-00001-of-00002.jsonl", "b1", kLine);
  EXPECT_THAT(error_of([] { open(); }), HasSubstr("not whole (1 of 2 files like"));
  add("data/train-00000-of-00002.jsonl", "b0", kLine);
  EXPECT_EQ(error_of([] { open(); }), "");
  const std::string tree = "datasets--org--data/trees/" + kCommit + ".json";
  cache_.write(tree,
               R"({"files":{"data/train-00000-of-00002.jsonl":{},)"
               R"("data/train-00001-of-00002.jsonl":{},"data/test-00000-of-00001.jsonl":{}}})");
  EXPECT_EQ(error_of([] { open(); }), "");
  cache_.write(tree, R"({"files":{"train/a.jsonl":{},"train/b.jsonl":{}}})");
  EXPECT_THAT(error_of([] { open(); }),
              HasSubstr("'org/data' is in the Hub cache, but not whole (train/a.jsonl is missing): "
                        "fetch the rest with `hf download org/data --repo-type dataset`"));
  cache_.write(tree, R"({"files":{"README.md":{},"data/train-00000-of-00002.jsonl":{}}})");
  EXPECT_THAT(error_of([] { open(); }), HasSubstr("README.md is missing"));
  cache_.write(tree, R"({"files":{"../../x.jsonl":{}}})");
  EXPECT_THAT(error_of([] { open(); }), HasSubstr("leads out of the repository"));
  cache_.write(tree, "[");
  EXPECT_THAT(error_of([] { open(); }), HasSubstr("files: expected an object"));
}

TEST_F(HubCorpus, AFolderOfTheSameNameComesFirst) {
  add("a.jsonl", "b1", kLine);
  const TestFolder work;
  work.write("org/data/local.jsonl", kLine);
  const fs::path before = fs::current_path();
  fs::current_path(work.path());
  const std::string place = open()->next().value().place;
  fs::current_path(before);
  EXPECT_EQ(place, "local.jsonl line 1");
}

}  // namespace
}  // namespace qk
