// The library that speaks HTTP.
#pragma once

#include <vector>

#include "base/build_info.h"

namespace qk {

// curl, and the library that encrypts its connections ("OpenSSL"), as they are loaded.
std::vector<LibraryVersion> http_library_versions();

}  // namespace qk
