#include "hub/resolver.h"

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
