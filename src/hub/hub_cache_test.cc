#include "hub/hub_cache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "base/test_folder.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";

// A cache in a folder of its own. The environment is put back afterwards.
class HubCache : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* variable : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME",
                                 "XDG_CACHE_HOME", "HOME", "QK_TEST_ROOT"}) {
      const char* value = std::getenv(variable);
      if (value != nullptr) before_[variable] = value;
      ::unsetenv(variable);
      names_.emplace_back(variable);
    }
  }
  void TearDown() override {
    for (const std::string& name : names_) {
      ::unsetenv(name.c_str());
      if (before_.contains(name)) set(name, before_[name]);
    }
  }
  static void set(const std::string& name, const std::string& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  // A repository with one snapshot and a ref to it.
  void make_repo(const std::string& name, const std::string& ref, const std::string& commit) {
    fs::create_directories(folder_ / name / "snapshots" / kCommit);
    const fs::path file = folder_ / name / "refs" / ref;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << commit;
  }

  TestFolder temporary_;
  fs::path folder_ = temporary_.path();
  std::map<std::string, std::string> before_;
  std::vector<std::string> names_;
};

TEST_F(HubCache, TheFolderComesFromTheEnvironment) {
  set("HOME", "/home/u");
  EXPECT_EQ(hub_cache_folder(), "/home/u/.cache/huggingface/hub");
  set("XDG_CACHE_HOME", "/xdg");
  EXPECT_EQ(hub_cache_folder(), "/xdg/huggingface/hub");
  set("HF_HOME", "~/hf");
  EXPECT_EQ(hub_cache_folder(), "/home/u/hf/hub");
  set("HUGGINGFACE_HUB_CACHE", "/legacy");
  EXPECT_EQ(hub_cache_folder(), "/legacy");
  set("QK_TEST_ROOT", "/root dir");
  set("HF_HUB_CACHE", "$QK_TEST_ROOT/${QK_TEST_ROOT}/$QK_NOT_SET/x$");
  EXPECT_EQ(hub_cache_folder(), "/root dir//root dir/$QK_NOT_SET/x$");
  set("HF_HUB_CACHE", "");
  EXPECT_EQ(hub_cache_folder(), "/legacy");
}

TEST_F(HubCache, RepositoryIds) {
  for (const char* id : {"gpt2", "org/name", "Org-1/na.me_2", "a/b"})
    EXPECT_TRUE(is_repo_id(id)) << id;
  for (const char* id : {"", "/", "a/", "/b", "a/b/c", "a--b", "a/b..c", "-a", "a-", ".a/b", "a/b.",
                         "a/b.git", "a b", "a/b\xC3\xBC", "a\nb", "../b", "~/b"}) {
    EXPECT_FALSE(is_repo_id(id)) << id;
  }
  EXPECT_TRUE(is_repo_id(std::string(96, 'a')));
  EXPECT_FALSE(is_repo_id(std::string(97, 'a')));
}

TEST_F(HubCache, RevisionsLeadToSnapshots) {
  make_repo("models--org--name", "main", kCommit);
  make_repo("models--org--name", "my/branch", kCommit + "\n");
  make_repo("models--gpt2", "main", kCommit);
  make_repo("datasets--org--data", "main", kCommit);
  const fs::path snapshot = folder_ / "models--org--name" / "snapshots" / kCommit;
  EXPECT_EQ(find_in_hub_cache(folder_, RepoKind::kModel, "org/name", "main"), snapshot);
  EXPECT_EQ(find_in_hub_cache(folder_, RepoKind::kModel, "org/name", "my/branch"), snapshot);
  EXPECT_EQ(find_in_hub_cache(folder_, RepoKind::kModel, "org/name", kCommit), snapshot);
  EXPECT_TRUE(find_in_hub_cache(folder_, RepoKind::kModel, "gpt2", "main"));
  EXPECT_TRUE(find_in_hub_cache(folder_, RepoKind::kDataset, "org/data", "main"));
  EXPECT_FALSE(find_in_hub_cache(folder_, RepoKind::kDataset, "org/name", "main"));
  EXPECT_FALSE(find_in_hub_cache(folder_, RepoKind::kModel, "org/name", "other"));
  EXPECT_FALSE(find_in_hub_cache(folder_, RepoKind::kModel, "org/name", "my"));
  EXPECT_FALSE(find_in_hub_cache(folder_, RepoKind::kModel, "org/name", std::string(40, '0')));
}

TEST_F(HubCache, NothingLeadsOutOfTheCache) {
  make_repo("models--org--name", "main", "../../../etc");
  EXPECT_FALSE(find_in_hub_cache(folder_, RepoKind::kModel, "org/name", "main"));
  make_repo("models--org--name", "main", kCommit);
  make_repo("models--org--name", "large", kCommit + std::string(10'000, ' '));
  EXPECT_EQ(cached_commit(folder_, {RepoKind::kModel, "org/name"}, "large"), "");
  for (const char* revision : {"", "/main", "../refs/main", "a/../main", "./main", "main/"}) {
    EXPECT_FALSE(find_in_hub_cache(folder_, RepoKind::kModel, "org/name", revision)) << revision;
  }
  const fs::path ref = folder_ / "models--org--name/refs/main";  // an absolute path
  EXPECT_FALSE(find_in_hub_cache(folder_, RepoKind::kModel, "org/name", ref.string()));
  EXPECT_FALSE(find_in_hub_cache(folder_, RepoKind::kModel, "../models--org--name", "main"));
}

}  // namespace
}  // namespace qk
