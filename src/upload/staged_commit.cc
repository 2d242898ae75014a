#include "upload/staged_commit.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/hash.h"

namespace qk {
namespace {

constexpr int64_t kSmallerBy = 4;

std::string staging_prefix(const UploadTarget& target) {
  Sha256 digest;
  digest.update(target.branch);
  return fmt::format("qkscope-staging-{}-", digest.hex().substr(0, 12));
}

bool is_last(const UploadTarget& target, const std::string& path) {
  return std::ranges::find(target.last, path) != target.last.end();
}

// The first part of the changes, and what is left. Deletions come first, target.last comes last.
TreeChanges take_part(TreeChanges& left, int64_t part_size, const StoredInGit& in_git) {
  TreeChanges part;
  const auto num_deleted = std::min(part_size, std::ssize(left.deleted));
  part.deleted.assign(left.deleted.begin(), left.deleted.begin() + num_deleted);
  left.deleted.erase(left.deleted.begin(), left.deleted.begin() + num_deleted);
  int64_t bytes = 0;
  auto it = left.added.begin();
  for (; it != left.added.end() && part.count() < part_size; ++it) {
    if (in_git.at(it->path)) bytes += it->size;
    if (bytes > kMostGitBytes && part.count() > 0) break;
    part.added.push_back(*it);
  }
  left.added.erase(left.added.begin(), it);
  return part;
}

// The tree with the changes of a part: what a commit whose answer is lost has made.
bool has_part(const TreeChanges& part, const std::vector<RemoteFile>& tree) {
  WantedTree wanted;
  for (const UploadFile& file : part.added) wanted.files.emplace(file.path, file);
  for (const RemoteFile& file : tree) {
    if (std::ranges::find(part.deleted, file.path) != part.deleted.end()) return false;
    if (!wanted.files.contains(file.path)) wanted.kept.emplace(file.path, file);
  }
  return tree_difference(wanted, tree).empty();
}

class Staging {
 public:
  Staging(HubClient& hub, const UploadTarget& target, const UploadPlan& plan,
          const WantedTree& wanted, const StoredInGit& in_git)
      : hub_(hub),
        target_(target),
        plan_(plan),
        wanted_(wanted),
        in_git_(in_git),
        staging_(target) {
    staging_.branch = staging_name(target, plan.parent, wanted);
  }

  StagedResult run(int64_t part_size) {
    try {
      build(part_size);
      move_target();
    } catch (const HubError& error) {
      // Who finishes first deletes the branch.
      if (error.fault() != HubFault::kRevisionNotFound || !is_done_by_another()) throw;
    }
    return {head_, num_commits_};
  }

 private:
  void build(int64_t part_size) {
    start();
    while (true) {
      TreeChanges left = changes_towards(wanted_, list_tree(hub_, target_.repo, head_));
      if (left.count() == 0) break;
      std::ranges::stable_partition(
          left.added, [&](const UploadFile& file) { return !is_last(target_, file.path); });
      part_size = commit_parts(std::move(left), part_size);
    }
  }

  void start() {
    const bool is_new =
        create_branch(hub_, target_.repo, staging_.branch, {.starting_point = plan_.parent});
    head_ = is_new ? plan_.parent : head_of(hub_, staging_);
  }

  // Commits parts until all are done, or one is refused for its size. Returns the size to go on with.
  int64_t commit_parts(TreeChanges left, int64_t part_size) {
    while (left.count() > 0) {
      const TreeChanges part = take_part(left, part_size, in_git_);
      const Commit job{staging_, head_, message_of_part(left), part};
      try {
        head_ = commit(hub_, job, in_git_, [&](const auto& tree) { return has_part(part, tree); });
      } catch (const HubError& error) {
        if (!is_size_fault(error.fault()) || part.count() == 1) throw;
        return std::max<int64_t>(1, std::min(part_size, part.count()) / kSmallerBy);
      }
      ++num_commits_;
    }
    return part_size;
  }

  // left  after this part
  std::string message_of_part(const TreeChanges& left) const {
    if (num_commits_ == 0 && left.count() == 0 && head_ == plan_.parent) return target_.message;
    std::string message = target_.message;
    return message.insert(std::min(message.find('\n'), message.size()),
                          fmt::format(" (part {})", num_commits_ + 1));
  }

  // Whether another publisher has brought the target to the same files. Throws HubError (kMoved): to
  // others.
  bool is_done_by_another() {
    const std::string expected = plan_.creates_branch ? "" : plan_.parent;
    const std::string now = head_of(hub_, target_);
    if (now == expected) return false;
    const bool is_same =
        !now.empty() && tree_difference(wanted_, list_tree(hub_, target_.repo, now)).empty();
    if (!is_same) fail_moved(target_, expected, now);
    head_ = now;
    return true;
  }

  void move_target() {
    if (is_done_by_another()) return;
    const bool is_moved =
        create_branch(hub_, target_.repo, target_.branch,
                      {.starting_point = head_, .overwrite = !plan_.creates_branch});
    if (!is_moved) is_done_by_another();
  }

  HubClient& hub_;
  const UploadTarget& target_;
  const UploadPlan& plan_;
  const WantedTree& wanted_;
  const StoredInGit& in_git_;
  UploadTarget staging_;
  std::string head_;
  int64_t num_commits_ = 0;
};

}  // namespace

bool is_size_fault(HubFault fault) {
  return fault == HubFault::kTooLarge || fault == HubFault::kTimedOut;
}

std::string staging_name(const UploadTarget& target, const std::string& parent,
                         const WantedTree& wanted) {
  Sha256 digest;
  digest.update(parent);
  for (const auto& [path, file] : wanted.files) digest.update("\n" + path + " " + file.sha256);
  for (const auto& [path, file] : wanted.kept) digest.update("\n" + path);
  return staging_prefix(target) + digest.hex().substr(0, 16);
}

StagedResult commit_staged(HubClient& hub, const UploadTarget& target, const UploadPlan& plan,
                           const WantedTree& wanted, const StoredInGit& in_git, int64_t part_size) {
  return Staging(hub, target, plan, wanted, in_git).run(part_size);
}

void remove_staging(HubClient& hub, const UploadTarget& target, const RepoRefs& refs) {
  const std::string prefix = staging_prefix(target);
  for (const BranchHead& branch : refs.branches) {
    if (!branch.name.starts_with(prefix)) continue;
    try {
      delete_branch(hub, target.repo, branch.name);
    } catch (const HubError& error) {
      hub.note(fmt::format("the branch {} of an upload that is finished is left: {}", branch.name,
                           error.what()));
    }
  }
}

}  // namespace qk
