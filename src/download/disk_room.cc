#include "download/disk_room.h"

#include <system_error>

#include "base/error.h"
#include "base/path_text.h"

namespace qk {

namespace fs = std::filesystem;

fs::path nearest_folder(const fs::path& folder) {
  std::error_code ignored;
  fs::path existing = fs::absolute(folder, ignored);
  while (!fs::is_directory(existing, ignored) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  return existing;
}

void check_disk_room(const fs::path& folder, int64_t bytes, std::string_view what,
                     std::string_view remedy) {
  const fs::path existing = nearest_folder(folder);
  std::error_code error;
  const fs::space_info space = fs::space(existing, error);
  // Some network file systems do not know.
  if (error || space.capacity == 0 || static_cast<uintmax_t>(bytes) <= space.available) return;
  fail(
      "hub: {}: {} bytes are to be downloaded to {}, whose disk has room for {}: make room, or {} on "
      "another disk",
      what, bytes, path_text(existing), space.available, remedy);
}

}  // namespace qk
