// Where a model or a dataset is that a user names by a path on the disk or by the id of a
// repository on the Hugging Face Hub. Threads: one caller at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hub/hub_cache.h"

namespace qk {

// What the user wrote.
struct RepoName {
  std::string key;  // of the configuration ("model.name"): messages begin with it
  RepoKind kind = RepoKind::kModel;
  std::string text;                    // a path, or "org/name"
  std::string revision = "main";       // of a repository: branch, tag or commit
  std::optional<std::string> cache{};  // the Hub cache, "~/" allowed; none: hub_cache_folder()
  std::string title() const;           // of a repository: "'org/name' (revision main)"
};

// The files of a repository at one commit.
struct Snapshot {
  RepoName name;
  std::filesystem::path folder;
  std::string commit() const { return folder.filename().string(); }
};

class Resolver {
 public:
  virtual ~Resolver() = default;

  // The repository's snapshot, or nothing. Its folder may lack files: see require_files().
  virtual std::optional<Snapshot> find_snapshot(const RepoName& name) = 0;
  // One sentence for the user: the name is neither a path on the disk nor an available repository,
  // and what to do about it.
  virtual std::string not_found(const RepoName& name) const = 0;
  // All files of the repository as far as they are known, else those in the folder; relative to the
  // folder, sorted. Throws Error if the list is damaged.
  virtual std::vector<std::string> list_files(const Snapshot& snapshot) = 0;
  // Returns when every one of the files is in the folder. Throws Error if one is missing.
  virtual void require_files(const Snapshot& snapshot, const std::vector<std::string>& files) = 0;
  // The bytes that require_files() would have to download; 0 if it cannot download.
  virtual int64_t missing_bytes(const Snapshot& snapshot,
                                const std::vector<std::string>& files) = 0;

  // find_snapshot(); throws Error with not_found().
  Snapshot snapshot(const RepoName& name);
  // find_on_disk(), else the folder of snapshot().
  std::filesystem::path resolve(const RepoName& name);
};

// "REPO" or "REPO@REV" of an argument, without '@' at revision main. Throws Error if nothing follows
// the '@'.
RepoName parse_repo_name(const std::string& key, RepoKind kind, const std::string& text);

// The path that the text means ("~/" is expanded), if something is there.
std::optional<std::filesystem::path> find_on_disk(const std::string& text);

}  // namespace qk
