#include "download/download_parts.h"

#include <chrono>
#include <set>

#include "base/error.h"
#include "base/path_text.h"
#include "download/repo_tree.h"

namespace qk {
namespace {

constexpr std::chrono::seconds kFirstLockNote{1};
constexpr std::chrono::seconds kLockNoteEvery{30};

}  // namespace

std::vector<const RemoteFile*> files_of(const RepoTree& tree,
                                        const std::vector<std::string>& paths) {
  std::vector<const RemoteFile*> files;
  files.reserve(paths.size());
  for (const std::string& path : std::set<std::string>(paths.begin(), paths.end())) {
    const RemoteFile* file = find_in_tree(tree, path);
    if (file == nullptr) fail("hub: {}: {}", tree.repo.id, no_such_file(tree, path));
    files.push_back(file);
  }
  return files;
}

void check_obtainable(const HubClient& hub, const RepoTree& tree, const MissingFiles& missing) {
  if (missing.files.empty()) return;
  const std::string what = fmt::format(
      "hub: {}@{}: not in the Hub cache: '{}'{}", tree.repo.id, tree.commit,
      printable(missing.files.front().path),
      missing.files.size() == 1 ? "" : fmt::format(" and {} more files", missing.files.size() - 1));
  if (hub.settings().offline) {
    throw HubError(HubFault::kOffline, what + "; HF_HUB_OFFLINE is set: unset it");
  }
  if (!tree.is_complete) {
    throw HubError(HubFault::kUnreachable, what + ", and the Hub does not answer: try again later");
  }
}

std::function<void()> note_waiting(const HubClient& hub, const RepoTree& tree,
                                   const RemoteFile& file, const std::filesystem::path& lock,
                                   const std::function<void()>& check) {
  using Clock = std::chrono::steady_clock;
  return [&hub, &tree, &file, lock, &check, next = Clock::now() + kFirstLockNote]() mutable {
    check();
    if (Clock::now() < next) return;
    next = Clock::now() + kLockNoteEvery;
    hub.note(fmt::format("hub: {}: waiting for another download of {} (it holds {})", tree.repo.id,
                         printable(file.path), path_text(lock)));
  };
}

FetchHooks hooks_of(TransferMeter& meter, const std::function<void()>& check) {
  return {.received = [&meter](int64_t bytes) { meter.add(bytes); },
          .discarded = [&meter](int64_t bytes) { meter.take_back(bytes); },
          .check = check};
}

}  // namespace qk
