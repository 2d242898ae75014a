#include "upload/commit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json_value.h"
#include "upload/upload_content.h"

namespace qk {
namespace {

using nlohmann::json;

constexpr size_t kMostPreupload = 256;  // files of one question
constexpr size_t kSampleBytes = 512;
constexpr int64_t kMostGitFile = int64_t{10} << 20;  // the Hub refuses larger ones
constexpr int kMostCommitTries = 2;
constexpr int kMostLooks = 4;

std::string api_path(const Repo& repo, std::string_view what, const std::string& revision) {
  return fmt::format("/api/{}/{}/{}/{}", plural_of(repo.kind), repo.id, what,
                     encode_segment(revision));
}

json preupload_entry(const UploadFile& file) {
  return {{"path", file.path},
          {"size", file.size},
          {"sample", base64(first_bytes(file, kSampleBytes))}};
}

void read_storage(const json& answer, const Repo& repo, StoredInGit& out) {
  for (const json& entry : value_at(answer, {"files"})) {
    const json path = value_at(entry, {"path"});
    if (!path.is_string()) continue;
    if (value_at(entry, {"shouldIgnore"}) == json(true)) {
      fail(
          "hub: {}: the repository's .gitignore names {}, which belongs to what is published: remove "
          "that rule from the branch",
          repo.id, path.get<std::string>());
    }
    out[path.get<std::string>()] = value_at(entry, {"uploadMode"}) != json("lfs");
  }
}

json commit_line(const UploadFile& file, bool in_git) {
  if (!in_git) {
    return {{"key", "lfsFile"},
            {"value",
             {{"path", file.path}, {"algo", "sha256"}, {"oid", file.sha256}, {"size", file.size}}}};
  }
  const std::string content = first_bytes(file, static_cast<size_t>(file.size));
  refuse_changed(file);
  return {{"key", "file"},
          {"value", {{"content", base64(content)}, {"path", file.path}, {"encoding", "base64"}}}};
}

std::string commit_body(const Commit& job, const StoredInGit& in_git) {
  const size_t line = job.message.find('\n');
  const std::string rest = line == std::string::npos ? "" : job.message.substr(line + 1);
  json header = {{"summary", job.message.substr(0, line)}, {"description", rest}};
  if (!job.parent.empty()) header["parentCommit"] = job.parent;
  constexpr auto kReplace = json::error_handler_t::replace;
  std::string out =
      json{{"key", "header"}, {"value", header}}.dump(-1, ' ', false, kReplace) + "\n";
  for (const std::string& path : job.changes.deleted) {
    out += json{{"key", "deletedFile"}, {"value", {{"path", path}}}}.dump() + "\n";
  }
  for (const UploadFile& file : job.changes.added) {
    out += commit_line(file, in_git.at(file.path)).dump() + "\n";
  }
  return out;
}

std::string send_commit(HubClient& hub, const Commit& job, const StoredInGit& in_git) {
  HubCall call;
  call.method = "POST";
  call.path = api_path(job.target.repo, "commit", job.target.branch);
  call.body = commit_body(job, in_git);
  call.content_type = "application/x-ndjson";
  call.retry = Retry::kCommit;
  call.writes = true;
  call.repo = job.target.repo;
  call.revision = job.target.branch;
  const json oid = value_at(hub.json(call), {"commitOid"});
  if (oid.is_string() && is_commit(oid.get<std::string>())) return oid.get<std::string>();
  throw HubError(HubFault::kBadAnswer,
                 fmt::format("{}: the answer to the commit names no commit", place_of(job.target)));
}

bool may_have_happened(HubFault fault) {
  switch (fault) {
    case HubFault::kUnreachable:
    case HubFault::kTimedOut:
    case HubFault::kUnavailable:
    case HubFault::kConflict:
    case HubFault::kMoved:
    case HubFault::kRevisionNotFound:  // a branch that was created a moment ago
    case HubFault::kBadAnswer:
      return true;
    default:
      return false;
  }
}

}  // namespace

StoredInGit ask_storage(HubClient& hub, const Repo& repo, const std::string& revision,
                        const std::vector<UploadFile>& files) {
  StoredInGit out;
  for (size_t first = 0; first < files.size(); first += kMostPreupload) {
    json entries = json::array();
    const size_t last = std::min(first + kMostPreupload, files.size());
    for (size_t i = first; i < last; ++i) entries.push_back(preupload_entry(files[i]));
    HubCall call;
    call.method = "POST";
    call.path = api_path(repo, "preupload", revision);
    call.body = json{{"files", std::move(entries)}}.dump();
    call.content_type = "application/json";
    call.writes = true;
    call.repo = repo;
    call.revision = revision;
    read_storage(hub.json(call), repo, out);
  }
  for (const UploadFile& file : files) {
    const auto found = out.find(file.path);
    if (found == out.end()) {
      throw HubError(HubFault::kBadAnswer,
                     fmt::format("hub: {}: the answer that says how files are stored leaves out {}",
                                 repo.id, printable(file.path)));
    }
    if (file.size == 0) found->second = true;  // stores do not take empty contents
    if (found->second && file.size > kMostGitFile) {
      fail(
          "hub: {}: {} has {} bytes, and by the .gitattributes of {} it belongs into git, which takes "
          "at most {}: add a line for such files there (\"*.parquet filter=lfs diff=lfs merge=lfs "
          "-text\")",
          repo.id, printable(file.path), file.size, revision, kMostGitFile);
    }
  }
  return out;
}

std::string commit(HubClient& hub, const Commit& job, const StoredInGit& in_git,
                   const std::function<bool(const std::vector<RemoteFile>&)>& is_done) {
  for (int tries = 1;; ++tries) {
    try {
      return send_commit(hub, job, in_git);
    } catch (const HubError& error) {
      if (!may_have_happened(error.fault())) throw;
      const std::string head = head_of(refs_after(hub, job.target, job.parent), job.target.branch);
      if (head == job.parent || head.empty()) {
        if (tries == kMostCommitTries) throw;
        continue;
      }
      if (is_done(list_tree(hub, job.target.repo, head))) return head;
      fail_moved(job.target, job.parent, head);
    }
  }
}

RepoRefs refs_after(HubClient& hub, const UploadTarget& target, const std::string& old) {
  RepoRefs refs;
  for (int look = 0; look < kMostLooks; ++look) {
    if (look > 0) wait_or_stop(hub.times().first, hub.stop());
    refs = list_refs(hub, target.repo);
    const std::string head = head_of(refs, target.branch);
    if (!head.empty() && head != old) break;
  }
  return refs;
}

void fail_moved(const UploadTarget& target, const std::string& from, const std::string& to) {
  const auto named = [](const std::string& commit) {
    return commit.empty() ? std::string("no commit") : commit.substr(0, 12);
  };
  throw HubError(
      HubFault::kMoved,
      fmt::format("{}: the branch moved from {} to {} meanwhile: someone else has committed "
                  "to it, and nothing of ours was; run the same command again, which "
                  "makes a new plan",
                  place_of(target), named(from), named(to)));
}

}  // namespace qk
