#include "upload/upload_tree.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "upload/upload_content.h"

namespace qk {
namespace {

std::string file_difference(const UploadFile& wanted, const RemoteFile& found) {
  if (found.size != wanted.size) {
    return fmt::format("{} has {} bytes, expected {}", printable(wanted.path), found.size,
                       wanted.size);
  }
  if (is_content_of(wanted, found)) return "";
  return fmt::format("{} has the digest {}, expected {}", printable(wanted.path),
                     printable(found.digest()),
                     found.sha256.empty() ? git_blob_id(wanted) : wanted.sha256);
}

}  // namespace

WantedTree wanted_tree(const UploadPlan& plan, const std::vector<UploadFile>& files) {
  WantedTree out;
  for (const UploadFile& file : files) out.files.emplace(file.path, file);
  for (const RemoteFile& file : plan.before) {
    const bool goes = std::ranges::binary_search(plan.deleted, file.path);
    if (!goes && !out.files.contains(file.path)) out.kept.emplace(file.path, file);
  }
  out.kept.erase(kGitAttributes);
  return out;
}

TreeChanges changes_towards(const WantedTree& wanted, const std::vector<RemoteFile>& tree) {
  TreeChanges out;
  std::map<std::string, const RemoteFile*> there;
  for (const RemoteFile& file : tree) there.emplace(file.path, &file);
  for (const auto& [path, file] : wanted.files) {
    const auto found = there.find(path);
    if (found == there.end() || !is_content_of(file, *found->second)) out.added.push_back(file);
  }
  for (const auto& [path, file] : there) {
    const bool stays = wanted.files.contains(path) || wanted.kept.contains(path);
    if (!stays && path != kGitAttributes) out.deleted.push_back(path);
  }
  return out;
}

std::string tree_difference(const WantedTree& wanted, const std::vector<RemoteFile>& tree) {
  std::map<std::string, const RemoteFile*> there;
  for (const RemoteFile& file : tree) there.emplace(file.path, &file);
  for (const auto& [path, file] : wanted.files) {
    const auto found = there.find(path);
    if (found == there.end()) return printable(path) + " is missing";
    if (std::string what = file_difference(file, *found->second); !what.empty()) return what;
  }
  for (const auto& [path, file] : wanted.kept) {
    const auto found = there.find(path);
    if (found == there.end()) return printable(path) + " is gone";
    if (found->second->digest() != file.digest()) return printable(path) + " was changed";
  }
  for (const auto& [path, file] : there) {
    const bool is_known = wanted.files.contains(path) || wanted.kept.contains(path);
    if (!is_known && path != kGitAttributes) return printable(path) + " is not in the upload";
  }
  return "";
}

std::string head_of(const RepoRefs& refs, const std::string& branch) {
  for (const BranchHead& head : refs.branches) {
    if (head.name == branch) return head.commit;
  }
  return "";
}

std::string head_of(HubClient& hub, const UploadTarget& target) {
  return head_of(list_refs(hub, target.repo), target.branch);
}

std::string place_of(const UploadTarget& target) {
  return fmt::format("hub: {}@{}", target.repo.id, printable(target.branch));
}

}  // namespace qk
