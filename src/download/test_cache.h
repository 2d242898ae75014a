// For tests only: a Hub cache with one repository.
#pragma once

#include <filesystem>
#include <string>

#include "base/test_folder.h"

namespace qk {

class TestCache {
 public:
  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

  // repo: the folder's name, "datasets--org--data".
  explicit TestCache(std::string repo) : repo_(std::move(repo)) {}

  std::filesystem::path path() const { return cache_.path(); }
  std::filesystem::path repo() const { return cache_ / repo_; }
  std::filesystem::path snapshot() const { return repo() / "snapshots" / kCommit; }

  // A file of the snapshot as a link to its blob, the way the clients store it; revision main is
  // then this snapshot.
  void add(const std::string& name, const std::string& blob, const std::string& text) const {
    cache_.write(repo_ + "/refs/main", kCommit);
    const std::string target = cache_.write(repo_ + "/blobs/" + blob, text);
    const std::filesystem::path link = snapshot() / name;
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::create_symlink(target, link);
  }
  // The list of all files of the repository.
  void write_tree(const std::string& json) const {
    cache_.write(repo_ + "/trees/" + kCommit + ".json", json);
  }

 private:
  TestFolder cache_;
  std::string repo_;
};

}  // namespace qk
