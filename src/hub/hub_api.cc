#include "hub/hub_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "hub/hub_answers.h"
#include "hub/hub_errors.h"
#include "hub/retry_plan.h"

namespace qk {
namespace {

constexpr int kUnauthorised = 401;
constexpr int kPaymentRequired = 402;
constexpr int kForbidden = 403;
constexpr int kConflict = 409;

std::string api_path(const Repo& repo) {
  return fmt::format("/api/{}/{}", plural_of(repo.kind), encode_path(repo.id));
}

HubCall reading(const Repo& repo, const std::string& revision, std::string path) {
  HubCall call;
  call.path = std::move(path);
  call.repo = repo;
  call.revision = revision;
  return call;
}

HubCall writing(const Repo& repo, std::string method, std::string path,
                const nlohmann::json& body) {
  HubCall call;
  call.method = std::move(method);
  call.path = std::move(path);
  call.repo = repo;
  call.writes = true;
  if (!body.is_null()) {
    call.body = body.dump();
    call.content_type = "application/json";
  }
  return call;
}

// parse(answer), whose errors are those of a bad answer.
template <typename Parse>
auto parsed(const HubClient& hub, const HubCall& call, const nlohmann::json& answer,
            const Parse& parse) {
  try {
    return parse(answer);
  } catch (const Error& error) {
    throw hub.bad_answer(call, error.what());
  }
}

HubError as_error(const HubClient& hub, const HubCall& call, const HttpResponse& response) {
  return error_of_answer(hub.settings(), call, response);
}

bool exists(HubClient& hub, const Repo& repo) {
  try {
    repo_info(hub, repo, "");
    return true;
  } catch (const HubError&) {
    return false;  // the caller has an error that says more
  }
}

bool has_branch(HubClient& hub, const Repo& repo, const std::string& branch) {
  const std::vector<BranchHead> branches = list_refs(hub, repo).branches;
  return std::any_of(branches.begin(), branches.end(),
                     [&](const BranchHead& head) { return head.name == branch; });
}

std::string branch_path(const Repo& repo, const std::string& branch) {
  return fmt::format("{}/branch/{}", api_path(repo), encode_segment(branch));
}

}  // namespace

RepoInfo repo_info(HubClient& hub, const Repo& repo, const std::string& revision, Retry retry) {
  HubCall call = reading(repo, revision, api_path(repo));
  if (!revision.empty()) call.path += "/revision/" + encode_segment(revision);
  call.retry = retry;
  return parsed(hub, call, hub.json(call), parse_repo_info);
}

std::vector<RemoteFile> list_tree(HubClient& hub, const Repo& repo, const std::string& revision) {
  const HubCall call = reading(repo, revision,
                               fmt::format("{}/tree/{}?recursive=true&expand=false", api_path(repo),
                                           encode_segment(revision)));
  return parsed(hub, call, hub.json_pages(call), parse_tree);
}

RepoRefs list_refs(HubClient& hub, const Repo& repo) {
  const HubCall call = reading(repo, "", api_path(repo) + "/refs");
  return parsed(hub, call, hub.json(call), parse_refs);
}

WhoAmI who_am_i(HubClient& hub) {
  HubCall call;
  call.path = "/api/whoami-v2";
  call.writes = true;  // the question is about the token
  return parsed(hub, call, hub.json(call), parse_who_am_i);
}

bool create_repo(HubClient& hub, const Repo& repo, bool is_private) {
  const size_t slash = repo.id.find('/');
  nlohmann::json body = {{"name", repo.id.substr(slash == std::string::npos ? 0 : slash + 1)},
                         {"type", repo.kind == RepoKind::kModel ? "model" : "dataset"},
                         {"private", is_private}};
  if (slash != std::string::npos) body["organization"] = repo.id.substr(0, slash);
  HubCall call = writing(repo, "POST", "/api/repos/create", body);
  call.expected = {kUnauthorised, kPaymentRequired, kForbidden, kConflict};
  const HttpResponse response = hub.call(call);
  if (response.status < 300) return true;
  if (response.status == kConflict && !is_in_progress(response)) return false;
  // Who may not create it may find it there all the same.
  if (response.status != kConflict && exists(hub, repo)) return false;
  throw as_error(hub, call, response);
}

bool create_branch(HubClient& hub, const Repo& repo, const std::string& branch,
                   const BranchOptions& options) {
  nlohmann::json body = nlohmann::json::object();
  if (!options.starting_point.empty()) body["startingPoint"] = options.starting_point;
  if (options.overwrite) body["overwrite"] = true;
  HubCall call = writing(repo, "POST", branch_path(repo, branch), body);
  call.revision = branch;
  call.expected = {kForbidden, kConflict};
  const HttpResponse response = hub.call(call);
  if (response.status < 300) return true;
  const bool is_there = !options.overwrite && has_branch(hub, repo, branch);
  if (!is_there) throw as_error(hub, call, response);
  return false;
}

void delete_branch(HubClient& hub, const Repo& repo, const std::string& branch) {
  HubCall call = writing(repo, "DELETE", branch_path(repo, branch), nullptr);
  call.revision = branch;
  hub.call(call);
}

}  // namespace qk
