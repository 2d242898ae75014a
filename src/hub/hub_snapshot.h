// A snapshot folder of the Hub cache (hub/hub_cache.h). It holds what was downloaded, which may be
// less than the repository has; a part of a dataset must not pass for the whole.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace qk {

// What the snapshot lacks of these files, for a message: the first file that is not there, or a
// numbered series ("...-00001-of-00003...") of which the list has only some. Empty if it is whole.
std::string missing_of_snapshot(const std::filesystem::path& snapshot,
                                const std::vector<std::string>& files);

}  // namespace qk
