#include "hub/local_resolver.h"

#include <string>
#include <system_error>

#include "base/error.h"
#include "base/home_path.h"
#include "hub/hub_snapshot.h"

namespace qk {
namespace {

constexpr size_t kShownPath = 300;

std::filesystem::path cache_of(const RepoName& name) {
  return name.cache ? expand_home(*name.cache) : hub_cache_folder();
}

std::string download_command(const RepoName& name) {
  std::string out = "`hf download " + printable(name.text);
  if (name.kind == RepoKind::kDataset) out += " --repo-type dataset";
  if (name.revision != "main") out += " --revision " + printable(name.revision);
  return out + "`";
}

std::string working_folder() {
  std::error_code error;
  return std::filesystem::current_path(error).string();
}

}  // namespace

std::optional<Snapshot> LocalResolver::find_snapshot(const RepoName& name) {
  const auto folder = find_in_hub_cache(cache_of(name), name.kind, name.text, name.revision);
  if (!folder) return std::nullopt;
  return Snapshot{name, *folder};
}

std::string LocalResolver::not_found(const RepoName& name) const {
  if (!is_repo_id(name.text)) {
    return fmt::format("{}: '{}' is neither a file nor a folder, nor the id of a Hub repository",
                       name.key, printable(name.text));
  }
  if (name.text.find('/') == std::string::npos) {
    return fmt::format(
        "{}: '{}' is neither a file nor a folder (here: {}), and a Hub repository is written "
        "owner/name",
        name.key, printable(name.text), printable(working_folder(), kShownPath));
  }
  return fmt::format(
      "{}: '{}' is neither a file nor a folder, and not in the Hub cache {} (revision {}): "
      "download it first with {}",
      name.key, printable(name.text), printable(cache_of(name).string(), kShownPath),
      printable(name.revision), download_command(name));
}

std::vector<std::string> LocalResolver::list_files(const Snapshot& snapshot) {
  return list_snapshot(snapshot.folder);
}

void LocalResolver::require_files(const Snapshot& snapshot, const std::vector<std::string>& files) {
  const std::string missing = missing_of_snapshot(snapshot.folder, files);
  if (missing.empty()) return;
  fail("{}: '{}' is in the Hub cache, but incomplete ({}): download the rest with {}",
       snapshot.name.key, printable(snapshot.name.text), missing, download_command(snapshot.name));
}

}  // namespace qk
