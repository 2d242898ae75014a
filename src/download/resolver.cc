#include "download/resolver.h"

#include <fmt/format.h>

#include <system_error>

#include "base/error.h"
#include "base/home_path.h"

namespace qk {

std::optional<std::filesystem::path> find_on_disk(const std::string& text) {
  std::filesystem::path path = expand_home(text);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  return path;
}

std::string RepoName::title() const {
  return fmt::format("'{}' (revision {})", printable(text), printable(revision));
}

RepoName parse_repo_name(const std::string& key, RepoKind kind, const std::string& text) {
  RepoRevision parts = split_revision(text);
  if (parts.id.size() == text.size()) return {key, kind, text};
  if (parts.revision.empty()) {
    fail("{}: expected a branch, tag or commit after the '@', found '{}'", key, printable(text));
  }
  if (!is_repo_id(parts.id)) return {key, kind, text};
  return {key, kind, std::move(parts.id), std::move(parts.revision)};
}

Snapshot Resolver::snapshot(const RepoName& name) {
  std::optional<Snapshot> found = find_snapshot(name);
  if (!found) throw Error(not_found(name));
  return *std::move(found);
}

std::filesystem::path Resolver::resolve(const RepoName& name) {
  if (const auto path = find_on_disk(name.text)) return *path;
  return snapshot(name).folder;
}

}  // namespace qk
