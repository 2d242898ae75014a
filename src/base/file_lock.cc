#include "base/file_lock.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

namespace qk {

bool take_lock(int fd, int operation) {
  return ::flock(fd, operation | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

bool is_still_there(int fd, const std::filesystem::path& path) {
  struct stat opened{};
  struct stat named{};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace qk
