#include "upload/upload.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "upload/commit.h"
#include "upload/lfs_transfer.h"
#include "upload/staged_commit.h"
#include "upload/upload_tree.h"

namespace qk {
namespace {

class Upload {
 public:
  Upload(HubClient& hub, const UploadTarget& target, UploadPlan plan,
         const std::vector<UploadFile>& files)
      : hub_(hub), target_(target), plan_(std::move(plan)), files_(files) {}

  UploadResult run(const TransferOptions& options) {
    prepare();
    wanted_ = wanted_tree(plan_, files_);
    changes_ = changes_towards(wanted_, plan_.before);
    result_.commit = plan_.parent;
    refs_ = plan_.refs;
    if (plan_.is_empty()) {
      result_.nothing_to_do = !plan_.creates_branch;
      if (plan_.creates_branch) start_branch();
    } else {
      send_files(options);
      commit_files();
      verify();
    }
    remove_staging(hub_, target_, refs_);
    result_.url = page_url();
    return result_;
  }

 private:
  // Creates the repository, and plans again what was planned without it.
  void prepare() {
    if (!plan_.creates_repo) return;
    create_repo(hub_, target_.repo, target_.is_private);
    const UploadPlan old = std::exchange(plan_, plan_upload(hub_, target_, files_));
    const bool is_bare = plan_.foreign.empty() && plan_.changed.empty() && plan_.unchanged.empty();
    const bool is_planned = old.creates_branch == plan_.creates_branch && is_bare;
    if (!is_planned) fail_moved(target_, old.parent, plan_.parent);
  }

  // The branch whose rules and store count: a new one is created last.
  std::string present_branch() const { return plan_.creates_branch ? kMainBranch : target_.branch; }

  void send_files(const TransferOptions& options) {
    in_git_ = ask_storage(hub_, target_.repo, present_branch(), changes_.added);
    std::vector<const UploadFile*> large;
    for (const UploadFile& file : changes_.added) {
      if (!in_git_.at(file.path)) large.push_back(&file);
    }
    const LfsResult sent = send_contents(hub_, target_.repo, present_branch(), large, options);
    result_.num_transferred = sent.num_files;
    result_.bytes_transferred = sent.bytes;
  }

  // At the head of main, which is what was to be published.
  void start_branch() {
    const bool is_new =
        create_branch(hub_, target_.repo, target_.branch, {.starting_point = plan_.parent});
    const std::string head = is_new ? plan_.parent : head_of(hub_, target_);
    if (head != plan_.parent) fail_moved(target_, plan_.parent, head);
  }

  void commit_files() {
    int64_t git_bytes = 0;
    for (const UploadFile& file : changes_.added)
      git_bytes += in_git_.at(file.path) ? file.size : 0;
    const bool in_parts = changes_.count() > target_.files_per_commit || git_bytes > kMostGitBytes;
    if (in_parts || plan_.creates_branch) return commit_parts(target_.files_per_commit);
    try {
      result_.commit = commit(hub_, {target_, plan_.parent, target_.message, changes_}, in_git_,
                              [&](const std::vector<RemoteFile>& tree) {
                                return tree_difference(wanted_, tree).empty();
                              });
      result_.num_commits = 1;
    } catch (const HubError& error) {
      if (!is_size_fault(error.fault()) || changes_.count() == 1) throw;
      hub_.note("the Hub does not take all files in one commit: they go up in parts");
      commit_parts((changes_.count() + 1) / 2);
    }
  }

  void commit_parts(int64_t part_size) {
    const StagedResult staged = commit_staged(hub_, target_, plan_, wanted_, in_git_, part_size);
    result_.commit = staged.head;
    result_.num_commits = staged.num_commits;
  }

  // The branch as the Hub shows it.
  void verify() {
    const std::string difference =
        tree_difference(wanted_, list_tree(hub_, target_.repo, result_.commit));
    if (!difference.empty()) {
      fail("{}: the commit {} is not what was published: {}", place_of(target_), result_.commit,
           difference);
    }
    refs_ = refs_after(hub_, target_, plan_.creates_branch ? "" : plan_.parent);
    const std::string head = head_of(refs_, target_.branch);
    if (head != result_.commit) {
      const std::string what =
          head.empty() ? "the Hub does not show the branch: run the same command again later"
                       : "someone else has moved the branch to " + head + " since";
      throw HubError(HubFault::kMoved, fmt::format("{}: the commit {} was made, but {}",
                                                   place_of(target_), result_.commit, what));
    }
  }

  std::string page_url() const {
    return fmt::format("{}/{}/commit/{}", hub_.settings().endpoint, page_path(target_.repo),
                       result_.commit);
  }

  HubClient& hub_;
  const UploadTarget& target_;
  UploadPlan plan_;
  RepoRefs refs_;  // as they were seen last
  const std::vector<UploadFile>& files_;
  WantedTree wanted_;
  TreeChanges changes_;
  StoredInGit in_git_;
  UploadResult result_;
};

}  // namespace

UploadResult run_upload(HubClient& hub, const UploadTarget& target, const UploadPlan& plan,
                        const std::vector<UploadFile>& files, const TransferOptions& options) {
  return Upload(hub, target, plan, files).run(options);
}

void prove_write_access(HubClient& hub, const Repo& repo, const std::string& branch) {
  ask_storage(hub, repo, branch, {describe_text("README.md", "-")});
}

}  // namespace qk
