#include <algorithm>
#include <iterator>
#include <optional>

#include "base/error.h"
#include "upload/upload.h"
#include "upload/upload_tree.h"

namespace qk {
namespace {

std::optional<RepoRefs> refs_of(HubClient& hub, const Repo& repo) {
  try {
    return list_refs(hub, repo);
  } catch (const HubError& error) {
    if (error.fault() != HubFault::kRepoNotFound) throw;
    return {};
  }
}

// Where the branch is, or will start.
void find_parent(HubClient& hub, const UploadTarget& target, UploadPlan& plan) {
  const std::optional<RepoRefs> refs = refs_of(hub, target.repo);
  plan.creates_repo = !refs;
  plan.creates_branch = target.branch != kMainBranch;
  if (!refs) return;
  plan.refs = *refs;
  plan.parent = head_of(*refs, target.branch);
  plan.creates_branch = plan.parent.empty() && target.branch != kMainBranch;
  if (!plan.creates_branch) return;
  plan.parent = head_of(*refs, kMainBranch);
  if (!plan.parent.empty()) return;
  fail(
      "hub: {}: has no branch main, from which new branches start: create it (on the web: add a file), "
      "or name a branch that is there",
      target.repo.id);
}

}  // namespace

UploadPlan plan_upload(HubClient& hub, const UploadTarget& target,
                       const std::vector<UploadFile>& files) {
  UploadPlan plan;
  find_parent(hub, target, plan);
  if (!plan.parent.empty()) plan.before = list_tree(hub, target.repo, plan.parent);
  WantedTree wanted;
  for (const UploadFile& file : files) wanted.files.emplace(file.path, file);
  QK_CHECK(wanted.files.size() == files.size());
  TreeChanges changes = changes_towards(wanted, plan.before);
  const auto is_there = [&](const std::string& path) {
    return std::ranges::binary_search(plan.before, path, {}, &RemoteFile::path);
  };
  for (UploadFile& file : changes.added) {
    wanted.files.erase(file.path);
    (is_there(file.path) ? plan.changed : plan.created).push_back(std::move(file));
  }
  for (const auto& [path, file] : wanted.files) plan.unchanged.push_back(path);
  plan.foreign = std::move(changes.deleted);
  if (target.replaces || plan.creates_branch) plan.deleted = plan.foreign;
  return plan;
}

}  // namespace qk
