// trees/<commit>.json of a cached repository: the complete list of its files at a commit, as
// huggingface_hub (1.22 and newer) writes it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hub/hub_api.h"

namespace qk {

// Sorted by path; nothing if there is no such file. Sizes and digests are empty where the file lacks
// them. Throws Error if it is damaged, or if a path or a digest could lead elsewhere on the disk.
std::optional<std::vector<RemoteFile>> read_tree_file(const std::filesystem::path& repo_folder,
                                                      const std::string& commit);

// The text of such a file; `files` are sorted by path.
std::string tree_file_text(const std::vector<RemoteFile>& files);

}  // namespace qk
