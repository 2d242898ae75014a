// The files below a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace qk {

// Every file below the folder (links to files included, links to folders not followed), sorted by
// the bytes of the whole path. Links to nothing are left out, unless they are asked for. Throws
// Error if a folder cannot be read.
enum class DanglingLinks : uint8_t { kLeaveOut, kList };
std::vector<std::string> list_files(const std::filesystem::path& folder,
                                    DanglingLinks dangling = DanglingLinks::kLeaveOut);

}  // namespace qk
