#include "base/readable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/lfs_pointer.h"
#include "base/path_text.h"

namespace qk {

std::string why_unreadable(const std::filesystem::path& path) {
  // O_NONBLOCK: a pipe would wait for its writer here.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fmt::format("cannot be opened: {}", std::strerror(errno));
  struct stat status{};
  const bool is_known = ::fstat(fd, &status) == 0;
  ::close(fd);
  if (is_known && S_ISDIR(status.st_mode)) return "is a folder, expected a file";
  if (!is_known || !S_ISREG(status.st_mode)) return "is not a regular file";
  return lfs_pointer_fault(path);
}

void require_readable(const std::filesystem::path& path) {
  const std::string fault = why_unreadable(path);
  if (!fault.empty()) fail("{}: {}", path_text(path), fault);
}

}  // namespace qk
