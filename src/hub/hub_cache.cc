#include "hub/hub_cache.h"

#include <algorithm>
#include <cctype>

#include "base/atomic_file.h"
#include "hub/environment.h"

namespace qk {
namespace {

constexpr size_t kMaxRefBytes = 4096;

// A revision is used as a path below refs/: no part of it may lead elsewhere.
bool is_safe_revision(std::string_view revision) {
  if (revision.empty() || revision.find('\0') != std::string_view::npos) return false;
  for (size_t begin = 0; begin <= revision.size();) {
    const size_t end = std::min(revision.find('/', begin), revision.size());
    const std::string_view part = revision.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

std::string repo_folder(RepoKind kind, std::string_view repo_id) {
  std::string name = kind == RepoKind::kModel ? "models--" : "datasets--";
  for (const char c : repo_id) name += c == '/' ? std::string("--") : std::string(1, c);
  return name;
}

// The commit that a revision names in the cache; empty if the cache does not know it.
std::string commit_of(const std::filesystem::path& folder, std::string_view revision) {
  if (is_commit(revision)) return std::string(revision);
  if (!is_safe_revision(revision)) return "";
  const std::filesystem::path ref = folder / "refs" / revision;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(ref, ignored)) return "";
  std::string commit = read_file(ref, kMaxRefBytes);
  while (!commit.empty() && std::isspace(static_cast<unsigned char>(commit.back())) != 0) {
    commit.pop_back();
  }
  return is_commit(commit) ? commit : "";
}

}  // namespace

std::filesystem::path hub_cache_folder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (!read_variable(name).empty()) return expand_path(read_variable(name));
  }
  return hf_home_folder() / "hub";
}

std::optional<std::filesystem::path> find_in_hub_cache(const std::filesystem::path& cache,
                                                       RepoKind kind, std::string_view repo_id,
                                                       std::string_view revision) {
  if (!is_repo_id(repo_id)) return std::nullopt;
  const std::filesystem::path folder = cache / repo_folder(kind, repo_id);
  const std::string commit = commit_of(folder, revision);
  if (commit.empty()) return std::nullopt;
  std::filesystem::path snapshot = folder / "snapshots" / commit;
  std::error_code ignored;
  if (!std::filesystem::is_directory(snapshot, ignored)) return std::nullopt;
  return snapshot;
}

}  // namespace qk
