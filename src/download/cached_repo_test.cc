#include "download/cached_repo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "download/test_cache.h"

namespace qk {
namespace cached_repo_test {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CachedRepo, CountsFilesRevisionsAndWhatWasInterrupted) {
  const TestCache cache("datasets--org--data");
  const Repo repo{RepoKind::kDataset, "org/data"};
  cache.add("a.txt", "1", "four");
  cache.add("b/c.txt", "2", "seven77");
  cache.add("gone.txt", "3", "x");
  std::filesystem::remove(cache.repo() / "blobs/3");
  std::filesystem::create_directories(cache.repo() / "refs/x");
  std::ofstream(cache.repo() / "refs/x/y") << TestCache::kCommit;
  std::ofstream(cache.repo() / "blobs/4.incomplete") << "12345";
  std::filesystem::create_directories(cache.repo() / "snapshots/other");

  const auto found = list_cached_repo(cache.path(), repo);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->folder, cache.repo());
  EXPECT_EQ(found->num_incomplete, 1);
  EXPECT_EQ(found->incomplete_bytes, 5);
  ASSERT_EQ(found->snapshots.size(), 1U);
  const CachedSnapshot& snapshot = found->snapshots[0];
  EXPECT_EQ(snapshot.commit, TestCache::kCommit);
  EXPECT_THAT(snapshot.revisions, ElementsAre("main", "x/y"));
  EXPECT_EQ(snapshot.num_files, 2);
  EXPECT_EQ(snapshot.bytes, 11);
  EXPECT_FALSE(snapshot.num_listed);

  cache.write_tree(R"({"files":{"a.txt":{},"b/c.txt":{},"gone.txt":{},"never.txt":{}}})");
  EXPECT_EQ(list_cached_repo(cache.path(), repo)->snapshots[0].num_listed, 4);
  EXPECT_FALSE(list_cached_repo(cache.path(), {RepoKind::kModel, "org/data"}));
}

TEST(CachedRepo, AnEmptyFolderHasNoSnapshots) {
  const TestCache cache("models--org--m");
  std::filesystem::create_directories(cache.repo());
  const auto found = list_cached_repo(cache.path(), {RepoKind::kModel, "org/m"});
  ASSERT_TRUE(found);
  EXPECT_THAT(found->snapshots, IsEmpty());
}

}  // namespace cached_repo_test
}  // namespace qk
