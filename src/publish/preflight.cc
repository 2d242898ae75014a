#include "publish/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "upload/upload.h"

namespace qk {
namespace {

std::string namespace_of(const std::string& id) { return id.substr(0, id.find('/')); }

std::string token_text(const HubClient& hub) {
  return fmt::format("the token of {}", hub.settings().token_origin);
}

void refuse_without_token(const HubClient& hub, const std::string& repo) {
  if (hub.settings().offline) {
    fail(
        "hub: {}: HF_HUB_OFFLINE is set, and publishing needs the Hub: unset it, or capture with "
        "--no-upload and publish later",
        repo);
  }
  if (!hub.settings().token.empty()) return;
  fail(
      "hub: {}: publishing needs a token that may write: run `hf auth login`, or set HF_TOKEN "
      "(huggingface.co/settings/tokens)",
      repo);
}

std::optional<RepoInfo> info_if_there(HubClient& hub, const Repo& repo) {
  try {
    return repo_info(hub, repo, "");
  } catch (const HubError& error) {
    if (error.fault() == HubFault::kRevisionNotFound) return RepoInfo{};  // it has no main
    if (error.fault() != HubFault::kRepoNotFound) throw;
    return {};
  }
}

bool has_branch(const RepoRefs& refs, const std::string& name) {
  return std::ranges::any_of(refs.branches,
                             [&](const BranchHead& branch) { return branch.name == name; });
}

// Git keeps branches like files: "a" and "a/b" cannot both be.
void refuse_clash(const std::vector<BranchHead>& branches, const Repo& repo,
                  const std::string& branch) {
  for (const BranchHead& other : branches) {
    const bool clashes =
        other.name.starts_with(branch + "/") || branch.starts_with(other.name + "/");
    if (!clashes) continue;
    fail("hub: {}: the branch {} cannot be created beside the branch {}: choose another name",
         repo.id, branch, other.name);
  }
}

void refuse_reader(const HubClient& hub, const WhoAmI& who) {
  if (who.token_role != "read") return;
  fail(
      "hub: {} may only read, and publishing needs one that may write: make it at "
      "huggingface.co/settings/tokens",
      token_text(hub));
}

// Whether the user may create a repository there.
void refuse_foreign_namespace(const HubClient& hub, const WhoAmI& who, const Repo& repo) {
  const std::string name = namespace_of(repo.id);
  const auto& scopes = who.write_scopes;
  if (std::ranges::find(scopes, name) != scopes.end()) return;
  if (name != who.name) {
    const auto found = std::ranges::find(who.organisations, name, &Organisation::name);
    if (found == who.organisations.end()) {
      fail(
          "hub: {}: there is no such dataset repository, and {} (user {}) cannot create it: {} is "
          "neither that user nor one of their organisations",
          repo.id, token_text(hub), who.name, name);
    }
    if (found->role == "read") {
      fail(
          "hub: {}: there is no such dataset repository, and user {} may only read in the "
          "organisation {}: an administrator can change that",
          repo.id, who.name, name);
    }
  }
  if (who.token_role != "fineGrained") return;
  fail(
      "hub: {}: there is no such dataset repository, and {} is not allowed to create it: give the "
      "token the right to write to repositories of {}, or create the repository first",
      repo.id, token_text(hub), name);
}

void prove_writing(HubClient& hub, const WhoAmI& who, const Repo& repo, const std::string& branch) {
  try {
    prove_write_access(hub, repo, branch);
  } catch (const HubError& error) {
    if (error.fault() != HubFault::kNoAccess) throw;
    fail("hub: {}: {} (user {}) may not write to this repository: {}", repo.id, token_text(hub),
         who.name, error.what());
  }
}

}  // namespace

void check_repo_name(const std::string& key, const std::string& repo) {
  if (is_repo_id(repo)) return;
  fail(
      "{}: expected the name of a repository like org/name (letters, digits, '-', '_' and '.'), found "
      "\"{}\"",
      key, printable(repo));
}

void check_branch_name(const std::string& key, const std::string& branch) {
  const std::string fault = branch_name_fault(branch);
  if (fault.empty()) return;
  fail("{}: \"{}\" cannot be the name of a branch: {}", key, printable(branch), fault);
}

void check_privacy(const PublishCheck& check, bool wants_private) {
  if (!wants_private || !check.repo_exists || check.is_private) return;
  fail(
      "hub: {}: a private repository was asked for, but this one is public: make it private on its "
      "page, name another one, or leave out --private (output.private)",
      check.repo.id);
}

PublishCheck check_publish_target(HubClient& hub, const std::string& repo,
                                  const std::string& branch) {
  refuse_without_token(hub, repo);
  const WhoAmI who = who_am_i(hub);
  PublishCheck out;
  out.user = who.name;
  out.repo = {RepoKind::kDataset,
              repo.find('/') == std::string::npos ? who.name + "/" + repo : repo};
  refuse_reader(hub, who);
  const std::optional<RepoInfo> info = info_if_there(hub, out.repo);
  if (!info) {
    const std::vector<BranchHead> of_new_repo = {{kMainBranch, ""}};
    refuse_clash(of_new_repo, out.repo, branch);
    refuse_foreign_namespace(hub, who, out.repo);
    return out;
  }
  out.repo_exists = true;
  out.is_private = info->is_private;
  if (is_repo_id(info->id)) out.repo.id = info->id;
  const RepoRefs refs = list_refs(hub, out.repo);
  out.branch_exists = has_branch(refs, branch);
  if (!out.branch_exists) refuse_clash(refs.branches, out.repo, branch);
  if (out.branch_exists || has_branch(refs, kMainBranch)) {
    prove_writing(hub, who, out.repo, out.branch_exists ? branch : kMainBranch);
  }
  return out;
}

}  // namespace qk
