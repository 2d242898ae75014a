// "~" in paths that a user writes.
#pragma once

#include <filesystem>
#include <string>

namespace qk {

// "~" and "~/..." begin with the home folder of the user (HOME, or if that is unset or empty, the
// folder in the user database), "~name" and "~name/..." with that of the user `name`; as Python's
// expanduser. Every other text, and every text whose home folder is unknown, is a path as it stands.
std::filesystem::path expand_home(const std::string& text);

}  // namespace qk
