// What lies in the folders of a dataset: the heads, their Parquet files, and whatever looks like
// data of a head but is not read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dataset/schema.h"

namespace qk {

// Something wrong with one file, or with the whole (then `file` is the folder).
struct DatasetProblem {
  std::filesystem::path file;
  std::string what;  // "the footer cannot be read: ..."
};

struct HeadFolder {
  std::vector<std::filesystem::path> files;  // Parquet files in name order
  // Other data, with the reason why it is not read: tables of other formats, folders with data, what
  // an interrupted run left. Sidecar files of the operating system are not among them.
  std::vector<DatasetProblem> unread;
  // Why the head cannot be read, without the folder's path: the folder cannot be read, is a table of
  // a lake format (its log decides which files count), or holds no Parquet file (but something
  // else, which is named and then not in `unread`). Empty: it can.
  std::string fault;
};

HeadFolder list_head_folder(const std::filesystem::path& folder);

struct DatasetFolder {
  std::vector<ConfigName> heads;  // those with a folder, by layer, head and kind
  // What looks like a head and is not read: folders and files with other spellings of a head's name,
  // Parquet files with a head's columns, folders with heads of their own.
  std::vector<DatasetProblem> unread;
};

// Throws Error if the folder cannot be read or is a table of a lake format.
DatasetFolder list_dataset_folder(const std::filesystem::path& folder);

// Why `folder` holds no dataset: ": it has no folder like l00h00q", and what it has that is like
// one, or where else there is one. REQUIRES: listing.heads is empty.
std::string no_heads_text(const std::filesystem::path& folder, const DatasetFolder& listing);

}  // namespace qk
