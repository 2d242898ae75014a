// An upload in several commits that readers of the branch see as one.
#pragma once

#include <string>

#include "upload/commit.h"
#include "upload/upload_tree.h"

namespace qk {

struct StagedResult {
  std::string head;  // of the target
  int64_t num_commits = 0;
};

// Commits in parts of at most `part_size` files on the branch staging_name(), which starts at the
// parent or continues what an interrupted call left, then moves the target there (`plan.creates_branch`: creates it).
// Parts that the Hub does not take are made smaller. REQUIRES: the LFS store has all contents.
// Throws HubError: kMoved, if the target's head is not the parent any more, but other files than those wanted.
StagedResult commit_staged(HubClient& hub, const UploadTarget& target, const UploadPlan& plan,
                           const WantedTree& wanted, const StoredInGit& in_git, int64_t part_size);

// Of contents in one commit that are not in the LFS store.
inline constexpr int64_t kMostGitBytes = int64_t{100} << 20;

// Whether a commit may have failed because it was too large.
bool is_size_fault(HubFault fault);

// The same for the same target, parent and contents.
std::string staging_name(const UploadTarget& target, const std::string& parent,
                         const WantedTree& wanted);

// Deletes those of the branches that interrupted uploads to this target left.
void remove_staging(HubClient& hub, const UploadTarget& target, const RepoRefs& refs);

}  // namespace qk
