// A captured dataset in a repository of the Hub: its folders are known by their names, and its files
// come into the snapshot folder when they are asked for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dataset/dataset_folder.h"
#include "download/resolver.h"

namespace qk {

class DatasetRepo {
 public:
  // The resolver outlives it.
  DatasetRepo(Snapshot snapshot, Resolver& resolver);

  const Snapshot& snapshot() const { return snapshot_; }
  // The folders right below the root that hold heads of their own, in name order.
  std::vector<std::string> folders_with_heads() const;
  // Whether anything lies in this folder, relative to the root.
  bool has_folder(const std::string& folder) const;

  // What list_dataset_folder() would say of a folder ("" is the root) if all files were there, as far
  // as names say it. Throws Error if it is a table of a lake format.
  DatasetFolder list(const std::string& folder) const;

  // Returns when the files of these heads are there, whatever lies in their folders.
  void bring_heads(const std::string& folder, const std::vector<ConfigName>& heads);
  // The same of the files beside the heads that say something about them: the card, the table of
  // documents, the original's state file.
  void bring_beside(const std::string& folder);
  // The same of everything but .gitattributes, which says nothing of a dataset. Throws Error if the root holds no heads.
  void bring_all();

 private:
  // The names in a folder, relative to it.
  std::vector<std::string> below(const std::string& folder) const;

  Snapshot snapshot_;
  Resolver& resolver_;
  std::vector<std::string> names_;
};

}  // namespace qk
