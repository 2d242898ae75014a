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

namespace {

// What a failed call says about the path.
std::string fault_of(const std::filesystem::path& path, int reason) {
  std::error_code ignored;
  const std::filesystem::path target = std::filesystem::read_symlink(path, ignored);
  if (reason != ENOENT || target.empty()) return std::strerror(reason);
  return fmt::format("is a link to {}, which is not there (an incomplete download?)",
                     path_text(target));
}

}  // namespace

bool is_present(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) return true;
  const int reason = errno;
  const bool is_absent = reason == ENOENT || reason == ENOTDIR;
  if (is_absent && ::lstat(path.c_str(), &status) != 0) return false;
  fail("{}: {}", path_text(path), fault_of(path, reason));
}

std::string why_unreadable(const std::filesystem::path& path) {
  // O_NONBLOCK: a pipe would wait for its writer here.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fmt::format("cannot be opened: {}", fault_of(path, errno));
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
