#include "download/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/path_text.h"

namespace qk {
namespace {

constexpr std::chrono::milliseconds kLockPoll{100};
// Others of the group may wait for it, as those of huggingface_hub.
constexpr mode_t kLockMode = 0664;

int open_lock(const std::filesystem::path& path) {
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kLockMode);
  if (fd >= 0) {
    [[maybe_unused]] const int unset = ::fchmod(fd, kLockMode);  // some file systems have no modes
    return fd;
  }
  fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kLockMode);
  // The file of another user can be locked without being written.
  if (fd < 0 && errno == EACCES) fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("{}: cannot be opened: {}", path_text(path), std::strerror(errno));
  return fd;
}

bool is_unlinked(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && status.st_nlink == 0;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path, const std::function<void()>& waiting) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) fail("{}: cannot be made: {}", path_text(path.parent_path()), error.message());
  fd_ = open_lock(path);
  try {
    while (true) {
      if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) {
        if (!is_unlinked(fd_)) break;
        // Another program removed the file: its lock no longer keeps anyone out.
        ::close(std::exchange(fd_, -1));
        fd_ = open_lock(path);
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) return;
      waiting();
      std::this_thread::sleep_for(kLockPoll);
    }
  } catch (...) {
    if (fd_ >= 0) ::close(fd_);
    throw;
  }
  held_ = true;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);  // this releases the lock
}

}  // namespace qk
