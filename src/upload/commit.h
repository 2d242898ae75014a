// Commits, also those whose answer is lost.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "upload/upload_tree.h"

namespace qk {

// Which files git stores itself; the others are in the LFS store.
using StoredInGit = std::map<std::string, bool>;

// Asks the Hub how it stores each file. Throws HubError, Error: the repository's .gitignore names one.
//   revision  a branch that exists
StoredInGit ask_storage(HubClient& hub, const Repo& repo, const std::string& revision,
                        const std::vector<UploadFile>& files);

struct Commit {
  UploadTarget target;
  std::string parent;  // empty: the repository has no commit
  std::string message;
  TreeChanges changes;
};

// Returns the new head of the branch. An answer that does not arrive (no answer in time, 5xx, 412 or
// 409 after that) is looked for on the branch: is the tree what the commit makes, it is done, and if
// the head has not moved, it is sent a second time. Throws HubError: kMoved, if the head is neither; kTooLarge
// or kTimedOut, if the Hub does not take so much at once.
std::string commit(HubClient& hub, const Commit& job, const StoredInGit& in_git,
                   const std::function<bool(const std::vector<RemoteFile>&)>& is_done);

// The branches when the target's head is another than `old` (empty: none), or after some time: what was
// done may be seen a little later.
RepoRefs refs_after(HubClient& hub, const UploadTarget& target, const std::string& old);

[[noreturn]] void fail_moved(const UploadTarget& target, const std::string& from,
                             const std::string& to);

}  // namespace qk
