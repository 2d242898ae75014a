#include "heads/find_dataset.h"

#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/test_folder.h"
#include "download/local_resolver.h"
#include "download/test_cache.h"
#include "download/test_repository.h"

namespace qk {
namespace {

std::filesystem::path found(const DatasetSource& source) {
  LocalResolver resolver;
  return find_dataset(source, resolver).folder;
}

std::string fault(const DatasetSource& source) {
  try {
    found(source);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(FindDataset, TakesTheFirstSourceThatIsGiven) {
  const TestFolder folder;
  const std::filesystem::path first = folder.path() / "first";
  const std::filesystem::path second = folder.path() / "second";
  std::filesystem::create_directories(first);
  std::filesystem::create_directories(second);
  DatasetSource source{.dataset = first.string(), .dataset_local_root = second.string()};
  EXPECT_EQ(found(source), first);
  source.dataset.reset();
  EXPECT_EQ(found(source), second);
}

TEST(FindDataset, LooksForANameInTheHubCache) {
  const TestCache cache("datasets--org--name");
  cache.add("README.md", "a", "text");
  DatasetSource source{.dataset_name = "org/name", .dataset_cache_dir = cache.path().string()};
  EXPECT_EQ(found(source), cache.snapshot());
  source.dataset = "org/name";
  EXPECT_EQ(found(source), cache.snapshot());
  source.dataset_revision = "other";
  EXPECT_TRUE(fault(source).starts_with("dataset: ")) << fault(source);
}

TEST(FindDataset, ARevisionMayStandBehindTheName) {
  TestRepository repository("org/name");
  const auto revision = [&](DatasetSource source) {
    EXPECT_TRUE(find_dataset(source, repository).snapshot);
    return repository.revision;
  };
  EXPECT_EQ(revision({.dataset = "org/name"}), "main");
  EXPECT_EQ(revision({.dataset = "org/name@a/b"}), "a/b");
  EXPECT_EQ(revision({.dataset_name = "org/name@v1"}), "v1");
  EXPECT_EQ(revision({.dataset_name = "org/name@v1", .dataset_revision = "v1"}), "v1");
  EXPECT_EQ(fault({.dataset = "org/name@v1", .dataset_revision = "v2"}),
            "dataset_revision: found v2, though dataset says org/name@v1");
  EXPECT_EQ(fault({.dataset = "org/name@"}),
            "dataset: expected a branch, tag or commit after the '@', found 'org/name@'");
}

TEST(FindDataset, AFolderWithAnAtInItsNameComesFirst) {
  const TestFolder folder;
  const std::string path = folder.path().string() + "/name@v1";
  std::filesystem::create_directories(path);
  EXPECT_EQ(found({.dataset = path}), path);
}

TEST(FindDataset, ReportsWhatIsNotAFolder) {
  const TestFolder folder;
  const std::string file = (folder.path() / "data.parquet").string();
  write_file(file, "x");
  EXPECT_EQ(fault({.dataset = file}),
            "dataset: " + file + ": expected the dataset's folder, found a file");
  const std::string missing = (folder.path() / "missing").string();
  EXPECT_EQ(fault({.dataset_local_root = missing}),
            "dataset_local_root: " + missing + ": there is no such folder");
}

}  // namespace
}  // namespace qk
