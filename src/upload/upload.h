// A folder's files onto a branch of a repository: planned, transferred by the LFS protocol, committed,
// verified. docs/hub.md, "Publishing".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "download/download.h"
#include "hub/hub_api.h"

namespace qk {

inline constexpr const char* kMainBranch = "main";

struct UploadFile {
  std::string path;              // in the repository
  std::filesystem::path source;  // empty: `content` is the file
  std::string content{};
  int64_t size = 0;
  std::string sha256;
  int64_t modified_ns = 0;  // of the source, when its digest was taken
};

// Reads the file for its digest. Throws Error if it cannot be read or changes meanwhile.
UploadFile describe_file(const std::string& path, const std::filesystem::path& source);
UploadFile describe_text(const std::string& path, std::string content);
// Throws Error if the source is not the file any more that was described.
void refuse_changed(const UploadFile& file);

struct UploadTarget {
  Repo repo;
  std::string branch = kMainBranch;
  bool is_private = false;  // if the repository has to be created
  std::string message;      // of the commit
  bool replaces = false;    // files of the branch that are not in the upload are deleted
  std::vector<std::string> last{"README.md"};  // committed last, if one commit does not do
  int64_t files_per_commit = 25000;            // deleted ones included; the most that the Hub takes
};

// What an upload would do. A branch that does not exist starts from the head of main and gets the
// files of the upload alone: what main has is deleted from it.
struct UploadPlan {
  bool creates_repo = false, creates_branch = false;
  std::string parent;               // head that the branch has, or will start from; empty: none
  RepoRefs refs;                    // when it was planned
  std::vector<RemoteFile> before;   // files of the parent, by path
  std::vector<UploadFile> created;  // to be committed, in path order: not on the branch yet
  std::vector<UploadFile> changed;  // likewise: with another content there
  std::vector<std::string> unchanged;
  std::vector<std::string> foreign;  // on the branch and not in the upload; never .gitattributes
  std::vector<std::string> deleted;  // all of these, with `replaces` or of a new branch; or none

  bool is_empty() const { return created.empty() && changed.empty() && deleted.empty(); }
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
// Carries out the plan: bytes first, then one commit on the parent. If that is more than
// files_per_commit, or more than the Hub takes at once, or if the branch is new, the commits are made
// on a branch "qkscope-staging-...", and the target is moved to, or created at, its head in the end:
// readers see the old branch or the new one. Stopped or failed at any
// moment, the branch is as it was, and the same call sends what is missing. Throws HubError (kMoved:
// someone else committed since the plan), Stopped, Error: a file changed, the repository's .gitignore
// names one, or the finished branch differs from the files.
UploadResult run_upload(HubClient& hub, const UploadTarget& target, const UploadPlan& plan,
                        const std::vector<UploadFile>& files, const TransferOptions& options);

// Asks how the branch would store a file, which changes nothing and needs the right to write. Throws
// HubError: kNoAccess, if the token has not got it.
void prove_write_access(HubClient& hub, const Repo& repo, const std::string& branch);

}  // namespace qk
