// Trees: what a repository has at a revision, from the Hub or from the cache.
#include "download/repo_tree.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/list_files.h"
#include "base/path_text.h"
#include "download/cache_writer.h"
#include "download/download.h"
#include "download/file_identity.h"
#include "download/tree_file.h"
#include "hub/hub_cache.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// A tree that has what a download needs: of every file, size and digest.
std::optional<std::vector<RemoteFile>> usable_tree_file(const fs::path& repo_folder,
                                                        const std::string& commit) {
  try {
    auto files = read_tree_file(repo_folder, commit);
    const auto lacks_digest = [](const RemoteFile& file) { return file.digest().empty(); };
    if (files && std::none_of(files->begin(), files->end(), lacks_digest)) return files;
    return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;  // damaged: the Hub has the truth
  }
}

// What a link of the snapshot tells about its file.
RemoteFile file_of_snapshot(const fs::path& snapshot, const std::string& path) {
  RemoteFile file;
  file.path = path;
  std::error_code error;
  const auto size = static_cast<int64_t>(fs::file_size(snapshot / path, error));
  if (!error) file.size = size;
  const std::string blob = fs::read_symlink(snapshot / path, error).filename();
  if (is_commit(blob)) file.blob_id = blob;
  if (digest_from_blob_name(snapshot / path) == blob) file.sha256 = blob;
  return file;
}

RepoTree tree_from_hub(HubClient& hub, const fs::path& cache, const Repo& repo,
                       const std::string& revision) {
  RepoTree tree{.repo = repo, .commit = revision, .files = {}, .revision = revision};
  if (!is_commit(revision)) {
    // With an answer in the cache, nobody waits for a Hub that does not answer at once.
    const bool is_cached = find_in_hub_cache(cache, repo.kind, repo.id, revision).has_value();
    tree.commit =
        repo_info(hub, repo, revision, is_cached ? Retry::kNever : Retry::kIdempotent).commit;
  }
  const CachePaths paths(cache, repo, tree.commit);
  if (auto known = usable_tree_file(paths.repo, tree.commit)) {
    tree.files = *std::move(known);
    return tree;
  }
  tree.files = list_tree(hub, repo, tree.commit);
  write_tree_file(paths, tree.files);
  return tree;
}

std::optional<RepoTree> tree_from_cache(const fs::path& cache, const Repo& repo,
                                        const std::string& revision) {
  const auto snapshot = find_in_hub_cache(cache, repo.kind, repo.id, revision);
  if (!snapshot) return std::nullopt;
  RepoTree tree{.repo = repo, .commit = snapshot->filename(), .files = {}, .revision = revision};
  if (auto known = read_tree_file(repo_cache_folder(cache, repo), tree.commit)) {
    tree.files = *std::move(known);
    return tree;
  }
  tree.is_complete = false;
  // A link whose blob is gone stands for a file that the repository has.
  for (const std::string& path : list_files(*snapshot, DanglingLinks::kList)) {
    tree.files.push_back(file_of_snapshot(*snapshot, path));
  }
  return tree;
}

}  // namespace

RepoTree fetch_tree(HubClient& hub, const fs::path& cache, const Repo& repo,
                    const std::string& revision) {
  try {
    return tree_from_hub(hub, cache, repo, revision);
  } catch (const HubError& error) {
    // The Hub knows the repository and says that the branch is gone; a commit stays what it is.
    if (error.fault() == HubFault::kRevisionNotFound && !is_commit(revision)) throw;
    std::optional<RepoTree> tree = tree_from_cache(cache, repo, revision);
    const bool is_offline = error.fault() == HubFault::kOffline;
    if (!tree && is_offline) {
      throw HubError(HubFault::kOffline, fmt::format("{}; the cache {} does not have it",
                                                     error.what(), path_text(cache)));
    }
    if (!tree) throw;
    if (!is_offline) {
      hub.note(fmt::format("{}; commit {} in the Hub cache is used", error.what(), tree->commit));
    }
    return *std::move(tree);
  }
}

const RemoteFile* find_in_tree(const RepoTree& tree, std::string_view path) {
  const auto found = std::lower_bound(
      tree.files.begin(), tree.files.end(), path,
      [](const RemoteFile& file, std::string_view wanted) { return file.path < wanted; });
  return found != tree.files.end() && found->path == path ? &*found : nullptr;
}

std::string no_such_file(const RepoTree& tree, const std::string& path) {
  if (!tree.is_complete) {
    return fmt::format("'{}' is not in the Hub cache, and the Hub does not answer",
                       printable(path));
  }
  return fmt::format("the repository has no file '{}' at commit {}", printable(path), tree.commit);
}

}  // namespace qk
