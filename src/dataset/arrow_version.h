// The Arrow library that reads and writes the datasets.
#pragma once

#include <string>

namespace qk {

std::string arrow_version();  // "22.0.0"

}  // namespace qk
