// A snapshot folder of the Hub cache (hub/hub_cache.h). It holds what was once asked for, which
// may be less than the repository has; what is missing must not pass for a smaller dataset.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace qk {

// All files of the repository where the cache knows them (trees/<commit>.json, written by newer
// clients), else the files in the snapshot. Sorted. Throws Error if the list is damaged.
std::vector<std::string> list_snapshot(const std::filesystem::path& snapshot);

// Throws Error, with the command that downloads the rest, if one of the files is not there, or if a
// numbered one ("...-00001-of-00003...") lacks its brothers.
void check_snapshot_is_whole(const std::filesystem::path& snapshot,
                             const std::vector<std::string>& files, const std::string& repo_id);

}  // namespace qk
