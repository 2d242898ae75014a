#include "download/local_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/test_error.h"
#include "download/test_cache.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

class LocalResolverTest : public testing::Test {
 protected:
  RepoName model(const std::string& text, const std::string& revision = "main") const {
    return {"model.name", RepoKind::kModel, text, revision, cache_.path().string()};
  }

  TestCache cache_{"models--org--m"};
  LocalResolver resolver_;
};

TEST_F(LocalResolverTest, WhatIsOnTheDiskComesFirst) {
  cache_.add("config.json", "1", "{}");
  EXPECT_EQ(resolver_.resolve(model("org/m")), cache_.snapshot());
  const TestFolder work;
  work.write("org/m/config.json", "{}");
  const fs::path before = fs::current_path();
  fs::current_path(work.path());
  const fs::path found = resolver_.resolve(model("org/m"));
  const fs::path snapshot = resolver_.snapshot(model("org/m")).folder;
  fs::current_path(before);
  EXPECT_EQ(found, "org/m");
  EXPECT_EQ(snapshot, cache_.snapshot());
}

TEST_F(LocalResolverTest, PathsMayBeginWithTheHomeFolder) {
  const char* home = std::getenv("HOME");
  const std::string before = home == nullptr ? "" : home;
  const TestFolder work;
  ::setenv("HOME", work.path().c_str(), 1);
  work.write("m/config.json", "{}");
  const fs::path path = resolver_.resolve(model("~/m"));
  RepoName in_cache = model("org/m");
  in_cache.cache = "~/cache";
  const std::string sentence = resolver_.not_found(in_cache);
  ::setenv("HOME", before.c_str(), 1);
  EXPECT_EQ(path, work / "m");
  EXPECT_THAT(sentence, testing::HasSubstr("the Hub cache " + (work / "cache").string() + " ("));
}

TEST_F(LocalResolverTest, KindAndRevisionMustFit) {
  cache_.add("config.json", "1", "{}");
  EXPECT_EQ(resolver_.find_snapshot(model("org/m", TestCache::kCommit))->folder, cache_.snapshot());
  EXPECT_FALSE(resolver_.find_snapshot(model("org/m", "v2")));
  RepoName dataset = model("org/m");
  dataset.kind = RepoKind::kDataset;
  EXPECT_FALSE(resolver_.find_snapshot(dataset));
}

TEST_F(LocalResolverTest, MessagesNameThePlaceAndTheRemedy) {
  RepoName name = {"dataset.path", RepoKind::kDataset, "org/data", "main", "/c"};
  EXPECT_EQ(error_of([&] { resolver_.resolve(name); }),
            "dataset.path: 'org/data' is neither a file nor a folder, and not in the Hub cache /c "
            "(revision main): download it first with `hf download org/data --repo-type dataset`");
  name = {"model.name", RepoKind::kModel, "org/m", "v2", "/c"};
  EXPECT_EQ(error_of([&] { resolver_.snapshot(name); }),
            "model.name: 'org/m' is neither a file nor a folder, and not in the Hub cache /c "
            "(revision v2): download it first with `hf download org/m --revision v2`");
  name.text = "./no/such/folder";
  EXPECT_EQ(error_of([&] { resolver_.resolve(name); }),
            "model.name: './no/such/folder' is neither a file nor a folder, nor the id of a Hub "
            "repository");
}

TEST_F(LocalResolverTest, FilesThatWereNotDownloaded) {
  cache_.add("a.txt", "1", "");
  const Snapshot snapshot = resolver_.snapshot(model("org/m"));
  EXPECT_THAT(resolver_.list_files(snapshot), testing::ElementsAre("a.txt"));
  resolver_.require_files(snapshot, {"a.txt"});
  EXPECT_EQ(error_of([&] { resolver_.require_files(snapshot, {"a.txt", "b.txt"}); }),
            "model.name: 'org/m' is in the Hub cache, but incomplete (b.txt is missing): download "
            "the rest with `hf download org/m`");
}

}  // namespace
}  // namespace qk
