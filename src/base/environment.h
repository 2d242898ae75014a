// Variables of the environment of this process.
#pragma once

#include <optional>
#include <string>

namespace qk {

// None: it is not set.
std::optional<std::string> environment_value(const char* name);

}  // namespace qk
