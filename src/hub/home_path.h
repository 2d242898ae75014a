// "~" in paths that a user writes.
#pragma once

#include <filesystem>
#include <string>

namespace qk {

// "~" and "~/..." begin with the folder that HOME names; every other text, and every text if HOME
// is unset or empty, is a path as it stands.
std::filesystem::path expand_home(const std::string& text);

}  // namespace qk
