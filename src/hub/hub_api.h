// The calls of the Hub, typed. Each is one or a few HTTP exchanges; all throw HubError and Stopped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/hub_client.h"
#include "hub/repo.h"

namespace qk {

struct RepoInfo {
  std::string id;
  std::string commit;  // of the revision asked for
  bool is_private = false, is_disabled = false;
  std::string gated;  // "auto", "manual", or empty
};
// revision: empty: the default branch.
RepoInfo repo_info(HubClient& hub, const Repo& repo, const std::string& revision,
                   Retry retry = Retry::kIdempotent);

struct RemoteFile {
  std::string path;
  int64_t size = 0;
  std::string blob_id;  // git's SHA-1 of what git stores: of an LFS file, of its pointer
  std::string sha256;   // of LFS files' content; empty: stored in git
  std::string xet_hash;
  // The name of its blob in the cache, and what proves its content: sha256, else blob_id.
  const std::string& digest() const { return sha256.empty() ? blob_id : sha256; }
};
// All files at a revision, sorted by path. Paths that lead out of the repository are an error.
std::vector<RemoteFile> list_tree(HubClient& hub, const Repo& repo, const std::string& revision);

struct BranchHead {
  std::string name, commit;
};
struct RepoRefs {
  std::vector<BranchHead> branches, tags, converts;
};
RepoRefs list_refs(HubClient& hub, const Repo& repo);

struct Organisation {
  std::string name, role;  // role: "admin", "write", "contributor", "read", or empty
};
struct WhoAmI {
  std::string name;
  std::vector<Organisation> organisations;
  std::string token_role;                 // "read", "write", "fineGrained"
  std::vector<std::string> write_scopes;  // of a fine-grained token: what it may write to: "org",
                                          // "user", "datasets/org/name"
};
WhoAmI who_am_i(HubClient& hub);

// Creates a repository. False: it was there.
bool create_repo(HubClient& hub, const Repo& repo, bool is_private);
struct BranchOptions {
  std::string starting_point{};  // revision; empty: head of the default branch
  bool overwrite = false;
};
// False: it was there (and was not overwritten).
bool create_branch(HubClient& hub, const Repo& repo, const std::string& branch,
                   const BranchOptions& options = {});
void delete_branch(HubClient& hub, const Repo& repo, const std::string& branch);

}  // namespace qk
