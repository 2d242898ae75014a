// For tests only: a resolver with one repository, whose files come into the snapshot folder only when
// they are asked for.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/list_files.h"
#include "base/test_folder.h"
#include "download/resolver.h"
#include "download/test_cache.h"

namespace qk {

class TestRepository final : public Resolver {
 public:
  explicit TestRepository(std::string id) : id_(std::move(id)) {
    std::filesystem::create_directories(snapshot_folder());
  }

  void add(const std::string& name, const std::string& text) const { whole_.write(name, text); }
  std::filesystem::path snapshot_folder() const {
    return cache_ / (std::string("repo/snapshots/") + TestCache::kCommit);
  }

  std::optional<Snapshot> find_snapshot(const RepoName& name) override {
    if (name.text != id_) return std::nullopt;
    revision = name.revision;
    return Snapshot{name, snapshot_folder()};
  }
  std::string not_found(const RepoName& name) const override {
    return name.key + ": '" + name.text + "' is not known";
  }
  std::vector<std::string> list_files(const Snapshot& /*snapshot*/) override {
    return qk::list_files(whole_.path());
  }
  void require_files(const Snapshot& snapshot, const std::vector<std::string>& files) override {
    namespace fs = std::filesystem;
    for (const std::string& file : files) {
      if (!fs::exists(whole_ / file)) fail("{} is missing", file);
      asked.push_back(file);
      fs::create_directories((snapshot.folder / file).parent_path());
      fs::copy_file(whole_ / file, snapshot.folder / file, fs::copy_options::overwrite_existing);
    }
  }
  int64_t missing_bytes(const Snapshot& snapshot, const std::vector<std::string>& files) override {
    int64_t bytes = 0;
    for (const std::string& file : files) {
      if (std::filesystem::exists(snapshot.folder / file)) continue;
      bytes += static_cast<int64_t>(std::filesystem::file_size(whole_ / file));
    }
    return bytes;
  }

  std::vector<std::string> asked;  // of require_files(), in its order
  std::string revision;            // of the last find_snapshot()

 private:
  std::string id_;
  TestFolder whole_, cache_;
};

}  // namespace qk
