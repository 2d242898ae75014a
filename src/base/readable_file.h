// Files before they are opened.
#pragma once

#include <filesystem>
#include <string>

namespace qk {

// Why the path cannot be read as a file, as the end of a sentence that begins with its name: it
// cannot be opened, is a folder, a pipe or a device, or holds a Git LFS pointer. Empty: it can be.
std::string why_unreadable(const std::filesystem::path& path);

// Whether something is at the path. Throws Error if that cannot be told, and for a link to nothing,
// which an incomplete download leaves behind.
bool is_present(const std::filesystem::path& path);

// Throws Error with the path and why_unreadable().
void require_readable(const std::filesystem::path& path);

}  // namespace qk
