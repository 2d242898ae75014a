// A folder's files onto a branch of a repository: planned, transferred by the LFS protocol, committed,
// verified. docs/hub.md, "Publishing".
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "hub/download.h"
#include "hub/hub_api.h"

namespace qk {

struct UploadFile {
  std::string path;  // in the repository
  std::filesystem::path source;
  int64_t size = 0;
  std::string sha256;
};

struct UploadTarget {
  Repo repo;
  std::string branch = "main";
  bool is_private = false;  // if the repository has to be created
  std::string message;      // of the commit
  bool replaces = false;    // files of the branch that are not in the upload are deleted
  std::vector<std::string> last{"README.md"};  // committed last, if one commit does not do
  int64_t files_per_commit = 5000;
};

// What an upload would do.
struct UploadPlan {
  bool creates_repo = false, creates_branch = false;
  std::string parent;               // head that the branch has, or will start from; empty: none
  std::vector<UploadFile> changed;  // to be committed, in path order
  std::vector<std::string> unchanged;
  std::vector<std::string> foreign;  // on the branch and not in the upload
  std::vector<std::string> deleted;  // of these, with `replaces`; never .gitattributes
};
UploadPlan plan_upload(HubClient& hub, const UploadTarget& target,
                       const std::vector<UploadFile>& files);

struct UploadResult {
  std::string commit;           // head of the branch, verified
  std::string url;              // of its page
  bool nothing_to_do = false;   // the branch was equal already
  int64_t num_transferred = 0;  // files whose bytes were sent
  int64_t bytes_transferred = 0;
  int64_t num_commits = 0;
};
// Carries out the plan. Stopped or failed at any moment, the branch is as it was, and the same call
// sends what is missing. Throws HubError (kMoved: someone else committed since the plan), Stopped,
// Error: a file changed, or the finished branch differs from the files.
UploadResult run_upload(HubClient& hub, const UploadTarget& target, const UploadPlan& plan,
                        const std::vector<UploadFile>& files, const TransferOptions& options);

}  // namespace qk
