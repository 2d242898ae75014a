// The writing side of the Hub cache (hub/hub_cache.h), so that huggingface_hub and the other clients
// find what they would have written themselves. Every file appears whole, by a rename.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hub/hub_api.h"

namespace qk {

// Paths of one repository in a cache, at one commit.
struct CachePaths {
  CachePaths(const std::filesystem::path& cache, const Repo& repo, const std::string& commit);
  std::filesystem::path blob(const RemoteFile& file) const;
  std::filesystem::path snapshot_file(const RemoteFile& file) const { return snapshot / file.path; }
  std::filesystem::path lock(const RemoteFile& file) const;

  std::filesystem::path cache, repo, snapshot;
};

// Writes a small file, by way of another in `folder` whose name no other process uses. Throws Error.
void replace_file(const std::filesystem::path& folder, const std::filesystem::path& path,
                  const std::string& text);

// Records that only save others work. A cache that cannot be written does without them: false.
bool write_tree_file(const CachePaths& paths, const std::vector<RemoteFile>& files);
// refs/<revision>: the commit of the snapshot, whose folder is made if need be.
bool write_ref(const CachePaths& paths, const std::string& revision);
// .no_exist/<commit>/<path>: the repository has no such file.
bool write_no_exist(const CachePaths& paths, const std::string& path);

// Whether the snapshot has the file, with the right size, from the right blob.
bool is_in_snapshot(const CachePaths& paths, const RemoteFile& file);
// Whether blobs/ has it, with the right size.
bool is_in_blobs(const CachePaths& paths, const RemoteFile& file);

// Puts a blob into the snapshot: a link, or without links in the file system or in the settings, the
// file itself; moved if `may_move` (nothing else needs the blob), else copied. Throws Error.
void put_into_snapshot(const CachePaths& paths, const RemoteFile& file, bool symlinks,
                       bool may_move);

}  // namespace qk
