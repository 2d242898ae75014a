#include "download/cache_writer.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/path_text.h"
#include "download/tree_file.h"
#include "hub/hub_cache.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// A name that no other process uses, in the folder of the repository: a scan of the cache looks at
// every file in refs/ and snapshots/.
fs::path temporary_in(const fs::path& folder) {
  std::random_device random;
  return folder / fmt::format("tmp_{:08x}{:08x}", random(), random());
}

void make_parent(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) fail("{}: cannot be made: {}", path_text(path.parent_path()), error.message());
}

// Whether the record is there now.
bool record(const fs::path& folder, const fs::path& path, const std::string& text) {
  try {
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored) && read_file(path) == text) return true;
    replace_file(folder, path, text);
    return true;
  } catch (const Error&) {
    return false;
  }
}

bool has_size(const fs::path& path, int64_t size) {
  std::error_code error;
  return fs::is_regular_file(path, error) &&
         fs::file_size(path, error) == static_cast<uintmax_t>(size) && !error;
}

bool knows_no_links(int error) {
  return error == EPERM || error == ENOSYS || error == ENOTSUP || error == EOPNOTSUPP;
}

// False: the file system has no links.
bool link_to_blob(const fs::path& blob, const fs::path& link) {
  const fs::path target = blob.lexically_relative(link.parent_path());
  std::error_code ignored;
  while (::symlink(target.c_str(), link.c_str()) != 0) {
    if (knows_no_links(errno)) return false;
    if (errno != EEXIST) {
      fail("{}: cannot be linked: {}", path_text(link), std::strerror(errno));
    }
    if (fs::read_symlink(link, ignored) == target) return true;
    std::error_code error;
    fs::remove(link, error);
    if (error) fail("{}: cannot be replaced: {}", path_text(link), error.message());
  }
  return true;
}

}  // namespace

void replace_file(const fs::path& folder, const fs::path& path, const std::string& text) {
  make_parent(path);
  const fs::path temporary = temporary_in(folder);
  std::ofstream out(temporary, std::ios::binary);
  out << text;
  out.close();
  std::error_code ignored;
  if (!out) {
    fs::remove(temporary, ignored);
    fail("{}: cannot be written: {}", path_text(path), std::strerror(errno));
  }
  try {
    publish_file(temporary, path);
  } catch (...) {
    fs::remove(temporary, ignored);
    throw;
  }
}

CachePaths::CachePaths(const fs::path& cache_folder, const Repo& repository,
                       const std::string& commit)
    : cache(cache_folder),
      repo(repo_cache_folder(cache_folder, repository)),
      snapshot(repo / "snapshots" / commit) {}

fs::path CachePaths::blob(const RemoteFile& file) const { return repo / "blobs" / file.digest(); }

fs::path CachePaths::lock(const RemoteFile& file) const {
  return cache / ".locks" / repo.filename() / (file.digest() + ".lock");
}

bool write_tree_file(const CachePaths& paths, const std::vector<RemoteFile>& files) {
  const std::string commit = paths.snapshot.filename();
  return record(paths.repo, paths.repo / "trees" / (commit + ".json"), tree_file_text(files));
}

bool write_ref(const CachePaths& paths, const std::string& revision) {
  const std::string commit = paths.snapshot.filename();
  if (revision == commit || !is_safe_path(revision)) return true;
  std::error_code error;
  fs::create_directories(paths.snapshot, error);
  return !error && record(paths.repo, paths.repo / "refs" / revision, commit);
}

bool write_no_exist(const CachePaths& paths, const std::string& path) {
  if (!is_safe_path(path)) return true;
  return record(paths.repo, paths.repo / ".no_exist" / paths.snapshot.filename() / path, "");
}

bool is_in_snapshot(const CachePaths& paths, const RemoteFile& file) {
  const fs::path path = paths.snapshot_file(file);
  std::error_code error;
  if (file.digest().empty()) return fs::is_regular_file(path, error);
  if (!has_size(path, file.size)) return false;
  const fs::path target = fs::read_symlink(path, error);
  return error || target.filename() == file.digest();
}

bool is_in_blobs(const CachePaths& paths, const RemoteFile& file) {
  return has_size(paths.blob(file), file.size);
}

void put_into_snapshot(const CachePaths& paths, const RemoteFile& file, bool symlinks,
                       bool may_move) {
  const fs::path blob = paths.blob(file);
  const fs::path path = paths.snapshot_file(file);
  make_parent(path);
  if (symlinks && link_to_blob(blob, path)) return;
  std::error_code error;
  if (may_move && !fs::is_symlink(blob, error)) return publish_file(blob, path);
  const fs::path temporary = temporary_in(paths.repo);
  fs::copy_file(blob, temporary, error);
  if (error) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    fail("{}: cannot be copied to {}: {}", path_text(blob), path_text(path), error.message());
  }
  publish_file(temporary, path);
}

}  // namespace qk
