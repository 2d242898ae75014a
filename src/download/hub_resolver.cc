#include "download/hub_resolver.h"

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/home_path.h"
#include "download/cache_writer.h"
#include "download/hub_snapshot.h"
#include "download/repo_tree.h"
#include "hub/hub_cache.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownPath = 300;
constexpr std::string_view kHubPrefix = "hub: ";  // of the client's messages

Repo repo_of(const RepoName& name) { return {name.kind, name.text}; }

std::string download_command(const RepoName& name) {
  std::string out = "`hf download " + printable(name.text);
  if (name.kind == RepoKind::kDataset) out += " --repo-type dataset";
  if (name.revision != "main") out += " --revision " + printable(name.revision);
  return out + "`";
}

std::string working_folder() {
  std::error_code error;
  return fs::current_path(error).string();
}

std::string key_of(const RepoName& name) {
  return fmt::format("{}\n{}\n{}\n{}", name.kind == RepoKind::kModel, name.text, name.revision,
                     name.cache.value_or(""));
}

bool all_present(const fs::path& folder, const std::vector<std::string>& files) {
  return std::all_of(files.begin(), files.end(), [&](const std::string& file) {
    std::error_code ignored;
    return fs::is_regular_file(folder / file, ignored);
  });
}

std::string first_missing(const CachePaths& paths, const RepoTree& tree,
                          const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    if (!is_in_snapshot(paths, *find_in_tree(tree, file))) return printable(file) + " is missing";
  }
  return "";
}

}  // namespace

HubResolver::HubResolver(HubClient& hub, TransferOptions options, std::string offline_reason)
    : hub_(hub), options_(std::move(options)), offline_reason_(std::move(offline_reason)) {}

fs::path HubResolver::cache_of(const RepoName& name) const {
  return name.cache ? expand_home(*name.cache) : hub_.settings().cache;
}

HubResolver::Answer& HubResolver::ask(const RepoName& name) {
  const auto [found, is_new] = answers_.try_emplace(key_of(name));
  Answer& answer = found->second;
  if (!is_new) return answer;
  try {
    answer.tree = fetch_tree(hub_, cache_of(name), repo_of(name), name.revision);
  } catch (const HubError& error) {
    answer.failure = error.what();
  }
  return answer;
}

const RepoTree& HubResolver::tree_of(const RepoName& name) {
  const Answer& answer = ask(name);
  if (!answer.tree) fail("{}: {}", name.key, answer.failure);
  return *answer.tree;
}

std::optional<Snapshot> HubResolver::find_snapshot(const RepoName& name) {
  if (!is_repo_id(name.text)) return std::nullopt;
  if (is_commit(name.revision)) {
    // It never changes: the Hub is asked when a file turns out to be missing.
    const auto folder = find_in_hub_cache(cache_of(name), name.kind, name.text, name.revision);
    if (folder) return Snapshot{name, *folder};
  }
  const Answer& answer = ask(name);
  if (!answer.tree) return std::nullopt;
  return Snapshot{name, CachePaths(cache_of(name), repo_of(name), answer.tree->commit).snapshot};
}

std::string HubResolver::not_found(const RepoName& name) const {
  const std::string start =
      fmt::format("{}: '{}' is neither a file nor a folder", name.key, printable(name.text));
  if (is_repo_id(split_revision(name.text).id) && !is_repo_id(name.text)) {
    return start + ", and the revision of a Hub repository has a key of its own (revision)";
  }
  if (!is_repo_id(name.text)) return start + ", nor the id of a Hub repository";
  const bool is_bare = name.text.find('/') == std::string::npos;
  const std::string here =
      is_bare ? fmt::format(" (here: {})", printable(working_folder(), kShownPath)) : "";
  if (hub_.settings().offline && is_bare) {
    return start + here + ", and a Hub repository is written owner/name";
  }
  if (hub_.settings().offline) {
    return fmt::format("{}, and not in the Hub cache {} (revision {}){} download it first with {}",
                       start, printable(cache_of(name).string(), kShownPath),
                       printable(name.revision), offline_reason_, download_command(name));
  }
  const auto answer = answers_.find(key_of(name));
  if (answer == answers_.end()) return start + here;
  std::string_view failure = answer->second.failure;
  if (failure.starts_with(kHubPrefix)) failure.remove_prefix(kHubPrefix.size());
  return fmt::format("{}{}, and as a repository of the Hub: {}", start, here, failure);
}

std::vector<std::string> HubResolver::list_files(const Snapshot& snapshot) {
  const RepoTree& tree = tree_of(snapshot.name);
  std::vector<std::string> names;
  names.reserve(tree.files.size());
  for (const RemoteFile& file : tree.files) names.push_back(file.path);
  return names;
}

void HubResolver::check_known(const RepoName& name, const RepoTree& tree,
                              const std::vector<std::string>& files) const {
  for (const std::string& file : files) {
    if (find_in_tree(tree, file) != nullptr) continue;
    if (tree.is_complete) {
      write_no_exist(CachePaths(cache_of(name), tree.repo, tree.commit), file);
    }
    fail("{}: '{}': {}", name.key, printable(name.text), no_such_file(tree, file));
  }
}

void HubResolver::require_files(const Snapshot& snapshot, const std::vector<std::string>& files) {
  const RepoName& name = snapshot.name;
  const bool is_offline = hub_.settings().offline;
  std::string missing;
  std::string reason;
  if (answers_.contains(key_of(name)) || !all_present(snapshot.folder, files)) {
    const RepoTree& tree = tree_of(name);
    if (tree.is_complete) {
      check_known(name, tree, files);
      if (!is_offline) download_to_cache(hub_, cache_of(name), tree, files, options_);
      missing = first_missing(CachePaths(cache_of(name), tree.repo, tree.commit), tree, files);
    } else if (!is_offline) {
      reason = ", and the Hub does not answer: try again later, or";
    }
  }
  if (missing.empty()) missing = missing_of_snapshot(snapshot.folder, files);
  if (missing.empty()) return;
  if (is_offline) reason = offline_reason_;
  fail("{}: '{}' is in the Hub cache, but incomplete ({}){} download the rest with {}", name.key,
       printable(name.text), missing, reason.empty() ? ":" : reason, download_command(name));
}

int64_t HubResolver::missing_bytes(const Snapshot& snapshot,
                                   const std::vector<std::string>& files) {
  if (hub_.settings().offline) return 0;
  const RepoName& name = snapshot.name;
  if (all_present(snapshot.folder, files) && !answers_.contains(key_of(name))) return 0;
  const RepoTree& tree = tree_of(name);
  check_known(name, tree, files);
  return missing_in_cache(cache_of(name), tree, files).bytes;
}

}  // namespace qk
