#include "base/build_info.h"

#include <sstream>
#include <utility>

#include "qk_build_info.h"  // made by cmake/build_info.cmake

namespace qk {

std::string version() { return QK_VERSION; }
std::string build_commit() { return QK_COMMIT; }
std::string build_type() { return QK_BUILD_TYPE; }
std::string compiler() { return QK_COMPILER; }
std::string tokenizers_version() { return QK_TOKENIZERS; }

std::vector<LibraryVersion> library_versions() {
  std::vector<LibraryVersion> out;
  std::istringstream list(QK_LIBRARIES);
  for (std::string entry; std::getline(list, entry, ',');) {
    const size_t blank = entry.find(' ');
    out.push_back({entry.substr(0, blank), entry.substr(blank + 1)});
  }
  return out;
}

}  // namespace qk
