// Questions about the files of a tree (download/download.h).
#pragma once

#include <string>
#include <string_view>

#include "download/download.h"

namespace qk {

// None: the tree has no such file.
const RemoteFile* find_in_tree(const RepoTree& tree, std::string_view path);

// Why a file that was asked for is not in the tree, with the name that was probably meant.
std::string no_such_file(const RepoTree& tree, const std::string& path);

}  // namespace qk
