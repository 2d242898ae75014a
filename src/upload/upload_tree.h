// The files that a branch has, and those that it is to have.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "upload/upload.h"

namespace qk {

// The Hub's own file, which is neither deleted nor compared.
inline constexpr const char* kGitAttributes = ".gitattributes";

struct WantedTree {
  std::map<std::string, UploadFile> files;  // of the upload
  std::map<std::string, RemoteFile> kept;   // that the branch has and keeps
};
WantedTree wanted_tree(const UploadPlan& plan, const std::vector<UploadFile>& files);

// What turns a tree into the wanted one.
struct TreeChanges {
  std::vector<UploadFile> added;     // new or with another content, by path
  std::vector<std::string> deleted;  // by path
  int64_t count() const { return std::ssize(added) + std::ssize(deleted); }
};
TreeChanges changes_towards(const WantedTree& wanted, const std::vector<RemoteFile>& tree);

// The first difference ("l00h00q/data.parquet has 7 bytes, expected 9"); empty if there is none.
std::string tree_difference(const WantedTree& wanted, const std::vector<RemoteFile>& tree);

// The commit that a branch of the list names; empty if there is no such branch.
std::string head_of(const RepoRefs& refs, const std::string& branch);
std::string head_of(HubClient& hub, const UploadTarget& target);

// "hub: org/name@branch", as messages begin.
std::string place_of(const UploadTarget& target);

}  // namespace qk
