#include "hub/hub_cache.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/atomic_file.h"
#include "base/home_path.h"

namespace qk {
namespace {

constexpr size_t kMaxRefBytes = 4096;

std::string variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// $NAME and ${NAME} become the variable's value; names that are not set stay as they are.
std::string expand_variables(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    const size_t begin = i + (braces ? 2 : 1);
    size_t end = begin;
    while (text[i] == '$' && end < text.size() && is_word(text[end])) ++end;
    const bool closed = !braces || (end < text.size() && text[end] == '}');
    const char* value = nullptr;
    if (text[i] == '$' && end > begin && closed) {
      value = std::getenv(text.substr(begin, end - begin).c_str());
    }
    if (value == nullptr) {
      out += text[i++];
      continue;
    }
    out += value;
    i = end + (braces ? 1 : 0);
  }
  return out;
}

std::filesystem::path expand(const std::string& text) {
  return expand_home(expand_variables(text));
}

}  // namespace

std::filesystem::path hub_cache_folder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (!variable(name).empty()) return expand(variable(name));
  }
  if (!variable("HF_HOME").empty()) return expand(variable("HF_HOME")) / "hub";
  if (!variable("XDG_CACHE_HOME").empty()) {
    return expand(variable("XDG_CACHE_HOME")) / "huggingface" / "hub";
  }
  return expand("~/.cache/huggingface/hub");
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
  std::string commit = read_file(ref, kMaxRefBytes);
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
