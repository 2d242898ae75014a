#include "base/path_text.h"

#include "base/error.h"

namespace qk {

std::string path_text(const std::filesystem::path& path) {
  constexpr size_t kMostBytes = 300;
  return printable(path.string(), kMostBytes);
}

}  // namespace qk
