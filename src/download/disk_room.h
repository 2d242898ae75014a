// Whether a download fits on its disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace qk {

// The folder, or the nearest one above it that exists.
std::filesystem::path nearest_folder(const std::filesystem::path& folder);

// Throws Error if the disk of `folder` has less room than `bytes`, for `what`. remedy: "choose a
// folder", on another disk.
void check_disk_room(const std::filesystem::path& folder, int64_t bytes, std::string_view what,
                     std::string_view remedy);

}  // namespace qk
