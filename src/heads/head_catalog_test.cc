// Catalogs of datasets without a record: folders alone.
#include "heads/head_catalog.h"

#include <gtest/gtest.h>

#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/test_error.h"
#include "base/test_folder.h"
#include "download/test_cache.h"
#include "download/test_repository.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

class Catalog : public testing::Test {
 protected:
  void make(std::initializer_list<const char*> heads, const fs::path& below = "") const {
    for (const char* head : heads) fs::create_directories(root_ / below / head);
  }

  HeadCatalog read() const {
    ThreadPool pool(2);
    return read_catalog(root_, model_dir_, configured_, compat_reference_, pool);
  }

  // The root's path in a sentence becomes R.
  std::string shortened(std::string text) const {
    for (size_t at; (at = text.find(root_.string())) != std::string::npos;) {
      text.replace(at, root_.string().size(), "R");
    }
    return text;
  }

  std::string fault() const {
    try {
      read();
    } catch (const Error& error) {
      return shortened(error.what());
    }
    return "";
  }

  std::vector<std::string> warnings() const {
    std::vector<std::string> out;
    for (const std::string& warning : read().warnings) out.push_back(shortened(warning));
    return out;
  }

  void give(int64_t layers, int64_t q_heads, int64_t k_heads) {
    configured_.num_layers = layers;
    configured_.num_q_heads = q_heads;
    configured_.num_k_heads = k_heads;
  }

  TestFolder folder_;
  fs::path root_ = folder_.path();
  std::string model_dir_;
  HeadCounts configured_;
  bool compat_reference_ = false;
};

TEST_F(Catalog, FoldersOfAllHeadsGiveTheMap) {
  make({"l00h00q", "l00h01q", "l00h02q", "l00h03q", "l00h00k", "l00h01k", "l01h02q", "l01h01k"});
  const HeadCatalog catalog = read();
  EXPECT_TRUE(catalog.is_counted);
  EXPECT_EQ(catalog.num_layers, 2);
  EXPECT_EQ(catalog.num_q_heads, 4);
  EXPECT_EQ(catalog.num_k_heads, 2);
  EXPECT_EQ(catalog.num_heads, 5);
  EXPECT_EQ(catalog.num_not_captured, 3);
  ASSERT_EQ(catalog.groups.size(), 3U);
  EXPECT_EQ(catalog.groups[1].k_head, 1);
  EXPECT_EQ(catalog.groups[1].q_heads, (std::vector<int64_t>{2, 3}));
}

TEST_F(Catalog, NumbersThatCannotBeInferredMustBeGiven) {
  make({"l00h05q", "l00h01k"});
  EXPECT_EQ(
      fault(),
      "num_q_heads: must be given: R does not record it, and not all of the first 6 heads were "
      "captured");
  give(1, 8, 2);
  const HeadCatalog catalog = read();
  EXPECT_FALSE(catalog.is_counted);
  ASSERT_EQ(catalog.groups.size(), 1U);
  EXPECT_EQ(catalog.groups[0].k_head, 1);
  EXPECT_EQ(catalog.num_not_captured, 7);
}

TEST_F(Catalog, WrongNumbersAreRefused) {
  make({"l00h00q", "l00h01q", "l00h02q", "l00h00k", "l00h01k"});
  EXPECT_EQ(fault(), "num_q_heads: expected a multiple of num_k_heads (2), found 3");
  give(1, 2, 2);
  EXPECT_EQ(fault(), "R: found l00h02q, though num_q_heads is 2");
  give(1, 4, 1);
  EXPECT_EQ(fault(), "R: found l00h01k, though num_k_heads is 1");
  make({"l02h00q"});
  give(2, 4, 2);
  EXPECT_EQ(fault(), "R: found l02h00q, though num_layers is 2");
  compat_reference_ = true;  // the original takes the first layers
  EXPECT_EQ(read().num_heads, 3);
}

// As the original: every head of the grid is tried, others are not looked at.
TEST_F(Catalog, TheConfiguredGridDecidesWithCompatReference) {
  make({"l00h00q", "l00h01q", "l00h02q", "l00h00k", "l00h01k", "l01h00q", "l01h00k"});
  compat_reference_ = true;
  give(1, 2, 1);
  HeadCatalog catalog = read();
  EXPECT_EQ(catalog.num_heads, 2);
  EXPECT_TRUE(catalog.missing.empty());
  EXPECT_EQ(warnings(),
            (std::vector<std::string>{
                "R: l00h01k and 3 more heads outside the grid of 1 layers, 2 query heads "
                "and 1 key heads are left out"}));
  give(2, 4, 2);
  catalog = read();
  EXPECT_EQ(catalog.num_heads, 4);
  EXPECT_EQ(catalog.num_not_captured, 4);
  ASSERT_EQ(catalog.missing.size(), 4U);
  EXPECT_EQ(catalog.missing[0].first, (HeadId{0, 3, 1}));
  EXPECT_EQ(catalog.missing[0].second, root_ / "l00h03q" / "data.parquet");
  give(1, 2, 2);
  fs::remove(root_ / "l00h01k");
  catalog = read();
  ASSERT_EQ(catalog.missing.size(), 1U);
  EXPECT_EQ(catalog.missing[0].second, root_ / "l00h01k" / "data.parquet");
  give(500'000, 4, 2);
  EXPECT_EQ(fault(),
            "num_layers and num_q_heads: expected at most 1000000 heads, found 500000 layers of 4");
}

TEST_F(Catalog, QueriesOrKeysAlone) {
  make({"l00h00q", "l00h01q"});
  EXPECT_EQ(fault(), "R: holds no keys");
  make({"l01h00k"});
  EXPECT_EQ(fault(), "R: no query head has the keys of its group in the dataset");
  make({"l01h01q"});
  const HeadCatalog catalog = read();
  EXPECT_EQ(catalog.num_heads, 1);
  EXPECT_EQ(catalog.without_keys.size(), 2U);
}

TEST_F(Catalog, TheOlderLayoutAndTheRoot) {
  make({"l00h00q", "l00h00k"}, "Some_Model");
  model_dir_ = "Some_Model";
  EXPECT_EQ(read().folder, root_ / "Some_Model");
  model_dir_ = "";
  EXPECT_EQ(read().folder, root_ / "Some_Model");
  model_dir_ = "Other_Model";
  EXPECT_EQ(
      fault(),
      "R: holds no heads, and no folder Other_Model: it has no folder like l00h00q; the heads "
      "lie in Some_Model: name that folder");
  make({"l00h00q", "l00h00k"});
  EXPECT_EQ(read().folder, root_);
  EXPECT_EQ(warnings(), (std::vector<std::string>{
                            "model_dir: R has no folder Other_Model: its own heads are read",
                            "R/Some_Model: is not read: it holds heads of its own, like l00h00k"}));
}

TEST_F(Catalog, ATableBesideTheHeadsDoesNotEndTheSearch) {
  make({"l00h00q", "l00h00k"}, "model");
  make({"l00h00q", "_delta_log"}, "another");
  EXPECT_EQ(read().folder, root_ / "model");
}

TEST_F(Catalog, ACaptureThatIsNotFinishedIsNoticed) {
  make({"l00h00q", "l00h00k", ".qkscope"});
  EXPECT_FALSE(read().is_unfinished);
  write_file(root_ / ".qkscope" / "journal", "x");
  EXPECT_TRUE(read().is_unfinished);
}

class RepoCatalog : public testing::Test {
 protected:
  void add(std::initializer_list<const char*> files) const {
    for (const char* file : files) repository_.add(file, "x");
  }

  HeadCatalog read() {
    ThreadPool pool(2);
    DatasetRepo repo(repository_.snapshot({"dataset", RepoKind::kDataset, "org/name", "v1"}),
                     repository_);
    repository_.asked.clear();
    return read_catalog(repo.snapshot().folder, model_dir_, configured_, compat_reference_, pool,
                        &repo);
  }
  // The files that a catalog asks for.
  std::set<std::string> asked() {
    read();
    return {repository_.asked.begin(), repository_.asked.end()};
  }
  std::string fault() {
    return error_of([&] { read(); });
  }

  TestRepository repository_{"org/name"};
  std::string model_dir_;
  HeadCounts configured_{.num_layers = 2, .num_q_heads = 4, .num_k_heads = 2};
  bool compat_reference_ = false;
};

TEST_F(RepoCatalog, OnlyHeadsThatAreMeasuredAreAskedFor) {
  add({"README.md", "documents.parquet", ".gitattributes", "notes.txt", "l00h00q/data.parquet",
       "l00h01q/a.parquet", "l00h01q/part=0/b.parquet", "l00h00k/data.parquet",
       "l00h02q/data.parquet", "l01h01k/data.parquet"});
  EXPECT_EQ(asked(), (std::set<std::string>{"README.md", "documents.parquet",
                                            "l00h00q/data.parquet", "l00h01q/a.parquet",
                                            "l00h01q/part=0/b.parquet", "l00h00k/data.parquet"}));
  const HeadCatalog catalog = read();
  EXPECT_EQ(catalog.num_heads, 2);
  EXPECT_EQ(catalog.num_not_captured, 5);
  EXPECT_EQ(catalog.without_keys.size(), 1U);  // though its file is not in the folder
  ASSERT_TRUE(catalog.origin);
  EXPECT_EQ(catalog.origin->repo, "org/name");
  EXPECT_EQ(catalog.origin->revision, "v1");
  EXPECT_EQ(catalog.origin->commit, TestCache::kCommit);
}

TEST_F(RepoCatalog, HeadsOfAnEarlierDownloadAreNotAllHeads) {
  add({"l00h00q/data.parquet", "l00h00k/data.parquet", "l01h00q/data.parquet",
       "l01h00k/data.parquet"});
  const Snapshot snapshot = repository_.snapshot({"dataset", RepoKind::kDataset, "org/name", "v1"});
  repository_.require_files(snapshot, {"l00h00q/data.parquet", "l00h00k/data.parquet"});
  EXPECT_EQ(read().num_heads, 2);
  EXPECT_TRUE(fs::exists(snapshot.folder / "l01h00q/data.parquet"));
}

TEST_F(RepoCatalog, WithoutCountsAllHeadsAreAskedFor) {
  configured_ = {};
  add({"l00h00q/data.parquet", "l00h01q/data.parquet", "l00h00k/data.parquet"});
  EXPECT_EQ(asked().size(), 3U);
}

TEST_F(RepoCatalog, OfSeveralModelsOneIsChosen) {
  add({"a/l00h00q/d.parquet", "a/l00h00k/d.parquet", "b/l00h00q/d.parquet", "b/l00h00k/d.parquet"});
  EXPECT_EQ(
      fault(),
      "model_dir: org/name holds the heads of several models, a and b among them: choose one");
  model_dir_ = "b/";
  EXPECT_EQ(asked(), (std::set<std::string>{"b/l00h00q/d.parquet", "b/l00h00k/d.parquet"}));
  EXPECT_EQ(read().folder.filename(), "b");
  model_dir_ = "c";
  EXPECT_EQ(
      fault(),
      "dataset: 'org/name' (revision v1) holds no heads: it has no folder like l00h00q, and no "
      "folder c");
}

TEST_F(RepoCatalog, TheOnlyModelNeedsNoName) {
  add({"a/l00h00q/d.parquet", "a/l00h00k/d.parquet", "b/x.parquet"});
  EXPECT_EQ(read().folder.filename(), "a");
}

TEST_F(RepoCatalog, TheGridDecidesWithCompatReference) {
  compat_reference_ = true;
  configured_ = {.num_layers = 1, .num_q_heads = 2, .num_k_heads = 2};
  add({"l00h00q/d.parquet", "l00h00k/d.parquet", "l00h02q/d.parquet", "l01h00q/d.parquet",
       "l01h00k/d.parquet"});
  EXPECT_EQ(asked(), (std::set<std::string>{"l00h00q/d.parquet", "l00h00k/d.parquet"}));
  EXPECT_EQ(read().missing.size(), 1U);
}

TEST_F(RepoCatalog, WhatIsNotReadIsNamed) {
  add({"l00h00q/d.parquet", "l00h00k/d.parquet", "L00H01Q/d.parquet"});
  const HeadCatalog catalog = read();
  ASSERT_EQ(catalog.warnings.size(), 1U);
  EXPECT_TRUE(
      catalog.warnings[0].ends_with("L00H01Q: is not read: a head's folder is named like l00h01q"))
      << catalog.warnings[0];
  add({"_delta_log/00.json"});
  EXPECT_EQ(
      fault(),
      "dataset: 'org/name' (revision v1) is a Delta Lake table (it holds _delta_log), and only "
      "its log says which files count");
}

TEST_F(RepoCatalog, TheWholeDatasetIsEverythingButGitsFile) {
  add({".gitattributes", "README.md", "l00h00q/d.parquet", "notes.txt"});
  DatasetRepo repo(repository_.snapshot({"dataset", RepoKind::kDataset, "org/name"}), repository_);
  repo.bring_all();
  EXPECT_EQ(repository_.asked.size(), 3U);
}

TEST_F(RepoCatalog, ADatasetThatIsNoCaptureIsNotDownloaded) {
  add({"data/train.parquet", "a/l00h00q/d.parquet"});
  DatasetRepo repo(repository_.snapshot({"dataset", RepoKind::kDataset, "org/name"}), repository_);
  EXPECT_EQ(
      error_of([&] { repo.bring_all(); }),
      "dataset: 'org/name' (revision main) holds no heads: it has no folder like l00h00q; the "
      "heads lie in a: bring them with `qkscope fetch org/name --to DIR` and name that folder");
  EXPECT_TRUE(repository_.asked.empty());
}

}  // namespace
}  // namespace qk
