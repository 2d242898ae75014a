#include "hub/hub_cache.h"

#include <algorithm>
#include <cctype>

#include "base/atomic_file.h"
#include "hub/environment.h"

namespace qk {
namespace {

constexpr size_t kMaxRefBytes = 4096;

}  // namespace

std::filesystem::path hub_cache_folder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (!read_variable(name).empty()) return expand_path(read_variable(name));
  }
  return hf_home_folder() / "hub";
}

std::filesystem::path repo_cache_folder(const std::filesystem::path& cache, const Repo& repo) {
  std::string name = repo.kind == RepoKind::kModel ? "models--" : "datasets--";
  for (const char c : repo.id) name += c == '/' ? std::string("--") : std::string(1, c);
  return cache / name;
}

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

std::string cached_commit(const std::filesystem::path& cache, const Repo& repo,
                          std::string_view revision) {
  if (is_commit(revision)) return std::string(revision);
  if (!is_safe_path(revision)) return "";
  const std::filesystem::path ref = repo_cache_folder(cache, repo) / "refs" / revision;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(ref, ignored)) return "";
  if (std::filesystem::file_size(ref, ignored) > kMaxRefBytes) return "";
  std::string commit = read_file(ref);
  while (!commit.empty() && std::isspace(static_cast<unsigned char>(commit.back())) != 0) {
    commit.pop_back();
  }
  return is_commit(commit) ? commit : "";
}

std::optional<std::filesystem::path> find_in_hub_cache(const std::filesystem::path& cache,
                                                       RepoKind kind, std::string_view repo_id,
                                                       std::string_view revision) {
  if (!is_repo_id(repo_id)) return std::nullopt;
  const Repo repo = {kind, std::string(repo_id)};
  const std::string commit = cached_commit(cache, repo, revision);
  if (commit.empty()) return std::nullopt;
  std::filesystem::path snapshot = repo_cache_folder(cache, repo) / "snapshots" / commit;
  std::error_code ignored;
  if (!std::filesystem::is_directory(snapshot, ignored)) return std::nullopt;
  return snapshot;
}

}  // namespace qk
