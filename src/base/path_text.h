// Paths in messages.
#pragma once

#include <filesystem>
#include <string>

namespace qk {

// The path as printable() text of at most 300 bytes.
std::string path_text(const std::filesystem::path& path);

}  // namespace qk
