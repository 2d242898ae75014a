#include "cli/repo_status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/number_text.h"
#include "base/path_text.h"
#include "base/range_text.h"
#include "dataset/card.h"

namespace qk {
namespace {

constexpr size_t kMostRefs = 20;  // that are shown

std::string count_and_bytes(int64_t files, int64_t bytes) {
  return plural(files, "file") + ", " + bytes_text(static_cast<double>(bytes));
}

std::string read_card(HubClient& hub, const RepoStatus& status) {
  const Repo& repo = status.repo;
  try {
    return hub
        .call({.path = fmt::format("/{}/resolve/{}/README.md", page_path(repo), status.commit),
               .repo = repo,
               .revision = status.revision,
               .file = "README.md"})
        .body;
  } catch (const Error&) {  // there is none
    return "";
  }
}

void find_capture(HubClient& hub, RepoStatus& status) {
  if (status.repo.kind != RepoKind::kDataset) return;
  std::set<ConfigName> heads;
  for (const RemoteFile& file : status.files) {
    const size_t slash = file.path.find('/');
    if (slash == std::string::npos) continue;
    if (const auto head = parse_config_name(file.path.substr(0, slash))) heads.insert(*head);
  }
  if (heads.empty()) return;
  status.capture = {{heads.begin(), heads.end()}, card_value(read_card(hub, status), "model")};
}

void ask_revision(HubClient& hub, RepoStatus& status) {
  try {
    status.commit = repo_info(hub, status.repo, status.revision).commit;
    status.files = list_tree(hub, status.repo, status.commit);
  } catch (const Error& error) {
    status.revision_fault = error.what();
    return;
  }
  find_capture(hub, status);
}

std::string access_text(const RepoInfo& info) {
  std::string out = info.is_private ? "private" : "public";
  if (!info.gated.empty()) out += ", access on request (" + printable(info.gated) + ")";
  if (info.is_disabled) out += ", disabled by the Hub";
  return out;
}

std::string refs_text(const std::vector<BranchHead>& refs) {
  if (refs.empty()) return "none";
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(refs.size(), kMostRefs); ++i) {
    names.push_back(printable(refs[i].name) + " " + refs[i].commit.substr(0, 12));
  }
  if (refs.size() > kMostRefs) names.push_back(fmt::format("... ({} in all)", refs.size()));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string capture_text(const CaptureStatus& capture) {
  std::set<int32_t> layers;
  int64_t queries = 0;
  for (const ConfigName& head : capture.heads) {
    layers.insert(head.layer);
    queries += head.kind == Kind::kQuery ? 1 : 0;
  }
  const std::vector<int32_t> list(layers.begin(), layers.end());
  return fmt::format("{} and {} in layer{} {}{}", plural(queries, "query head"),
                     plural(std::ssize(capture.heads) - queries, "key head"),
                     list.size() == 1 ? "" : "s", ranges_text(list),
                     capture.model.empty() ? "" : ", of " + printable(capture.model));
}

std::string snapshot_text(const CachedSnapshot& snapshot) {
  std::string out = snapshot.revisions.empty()
                        ? "commit"
                        : fmt::format("{},", fmt::join(snapshot.revisions, ", "));
  out += " " + snapshot.commit.substr(0, 12) + ": ";
  if (snapshot.num_listed) out += fmt::format("{} of ", count_text(snapshot.num_files));
  return out + count_and_bytes(snapshot.num_listed.value_or(snapshot.num_files), snapshot.bytes);
}

class StatusText {
 public:
  void line(const char* name, const std::string& text) {
    out_ += fmt::format("  {:<10}{}\n", name, text);
  }
  void head(const std::string& text) { out_ += text + "\n"; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void add_cached(const RepoStatus& status, StatusText& out) {
  if (!status.cached || (status.cached->snapshots.empty() && status.cached->num_incomplete == 0)) {
    return out.line("cached", "nothing");
  }
  const char* name = "cached";
  for (const CachedSnapshot& snapshot : status.cached->snapshots) {
    out.line(name, snapshot_text(snapshot));
    name = "";
  }
  if (status.cached->num_incomplete > 0) {
    out.line(name, "of interrupted downloads: " + count_and_bytes(status.cached->num_incomplete,
                                                                  status.cached->incomplete_bytes));
  }
  out.line("", path_text(status.cached->folder));
}

void add_hub(const RepoStatus& status, StatusText& out) {
  if (!status.revision_fault.empty()) {
    out.line("revision", without_hub(status.revision_fault));
  } else {
    int64_t bytes = 0;
    for (const RemoteFile& file : status.files) bytes += file.size;
    out.line("revision", fmt::format("{}: commit {}, {}", printable(status.revision), status.commit,
                                     count_and_bytes(std::ssize(status.files), bytes)));
  }
  if (status.capture) out.line("capture", capture_text(*status.capture));
  out.line("branches", refs_text(status.refs.branches));
  out.line("tags", refs_text(status.refs.tags));
  if (!status.refs.converts.empty()) out.line("converted", refs_text(status.refs.converts));
}

}  // namespace

std::string without_hub(const std::string& fault) {
  constexpr std::string_view kPrefix = "hub: ";
  return fault.starts_with(kPrefix) ? fault.substr(kPrefix.size()) : fault;
}

RepoStatus read_repo_status(HubClient& hub, const Repo& repo, const std::string& revision,
                            std::string& silence) {
  RepoStatus out;
  out.repo = repo;
  out.revision = revision;
  out.cached = list_cached_repo(hub.settings().cache, repo);
  out.fault = silence;
  if (!silence.empty()) return out;
  try {
    out.info = repo_info(hub, repo, "");
    out.refs = list_refs(hub, repo);
  } catch (const HubError& error) {
    out.fault = error.what();
    out.is_missing =
        error.fault() == HubFault::kRepoNotFound || error.fault() == HubFault::kOffline;
    if (is_silence(error.fault())) silence = out.fault;
  }
  if (out.info) ask_revision(hub, out);
  return out;
}

std::string repo_status_text(const RepoStatus& status) {
  StatusText out;
  const char* kind = status.repo.kind == RepoKind::kModel ? "Model" : "Dataset";
  std::string title = fmt::format("{:<10}{}", kind, status.repo.id);
  if (status.info) {
    if (status.info->id != status.repo.id) {
      title += ", now called " + printable(status.info->id);
    }
    out.head(title + ": " + access_text(*status.info));
    add_hub(status, out);
  } else {
    out.head(title);
    out.line("Hub", without_hub(status.fault));
  }
  add_cached(status, out);
  return out.take();
}

}  // namespace qk
