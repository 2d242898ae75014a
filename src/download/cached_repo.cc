#include "download/cached_repo.h"

#include <algorithm>
#include <map>
#include <system_error>

#include "base/error.h"
#include "base/list_files.h"
#include "download/tree_file.h"
#include "hub/hub_cache.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// The names of revisions by the commit that they name.
std::multimap<std::string, std::string> cached_refs(const fs::path& cache, const Repo& repo) {
  std::multimap<std::string, std::string> out;
  std::error_code error;
  const fs::path refs = repo_cache_folder(cache, repo) / "refs";
  if (!fs::is_directory(refs, error)) return out;
  for (const std::string& name : list_files(refs)) {
    out.emplace(cached_commit(cache, repo, name), name);
  }
  return out;
}

CachedSnapshot list_cached_snapshot(const fs::path& repo_folder, const std::string& commit) {
  CachedSnapshot out;
  out.commit = commit;
  const fs::path folder = repo_folder / "snapshots" / commit;
  for (const std::string& name : list_files(folder)) {
    std::error_code error;
    const auto bytes = fs::file_size(folder / name, error);
    if (error) continue;
    ++out.num_files;
    out.bytes += static_cast<int64_t>(bytes);
  }
  try {
    if (const auto files = read_tree_file(repo_folder, commit)) out.num_listed = std::ssize(*files);
  } catch (const Error&) {  // damaged: not known
    out.num_listed.reset();
  }
  return out;
}

std::vector<fs::path> entries_of_folder(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    out.push_back(it->path());
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

std::optional<CachedRepo> list_cached_repo(const fs::path& cache, const Repo& repo) {
  CachedRepo out;
  out.folder = repo_cache_folder(cache, repo);
  std::error_code error;
  if (!fs::is_directory(out.folder, error)) return std::nullopt;
  const auto refs = cached_refs(cache, repo);
  for (const fs::path& entry : entries_of_folder(out.folder / "snapshots")) {
    const std::string commit = entry.filename().string();
    if (!is_commit(commit)) continue;
    CachedSnapshot& snapshot = out.snapshots.emplace_back(list_cached_snapshot(out.folder, commit));
    const auto [begin, end] = refs.equal_range(commit);
    for (auto it = begin; it != end; ++it) snapshot.revisions.push_back(it->second);
  }
  for (const fs::path& blob : entries_of_folder(out.folder / "blobs")) {
    if (blob.extension() != ".incomplete") continue;
    const auto bytes = fs::file_size(blob, error);
    if (error) continue;
    ++out.num_incomplete;
    out.incomplete_bytes += static_cast<int64_t>(bytes);
  }
  return out;
}

}  // namespace qk
