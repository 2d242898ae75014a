#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/file_lock.h"
#include "base/mapped_file.h"
#include "base/path_text.h"

namespace qk {
namespace {

void sync_folder(const std::filesystem::path& path) {
  std::filesystem::path folder = path.parent_path();
  if (folder.empty()) folder = ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;  // the rename stands; some file systems cannot open folders
  ::fsync(fd);
  ::close(fd);
}

// A rename would replace a device such as /dev/null by a file.
void refuse_what_is_no_file(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ELOOP) return;  // what else is wrong with it is found when it is created
    fail("{}: cannot be written: {}", path_text(path), std::strerror(errno));
  }
  if (S_ISREG(status.st_mode)) return;
  fail("{}: cannot be written: expected a file, found a {}", path_text(path),
       S_ISDIR(status.st_mode) ? "folder" : "device or pipe");
}

void rename_into_place(const std::filesystem::path& from, const std::filesystem::path& to) {
  refuse_what_is_no_file(to);
  if (::rename(from.c_str(), to.c_str()) != 0) {
    fail("{}: cannot be renamed to {}: {}", path_text(from), path_text(to), std::strerror(errno));
  }
  sync_folder(to);
}

// Removes what a run that was killed has written.
void empty_file(int fd, const std::filesystem::path& path) {
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) return;
  if (::ftruncate(fd, 0) != 0) {
    fail("{}: cannot be written: {}", path_text(path), std::strerror(errno));
  }
}

}  // namespace

std::filesystem::path temporary_of(const std::filesystem::path& path) {
  return path.string() + ".tmp";
}

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(temporary_of(path_)) {
  refuse_what_is_no_file(path_);
  while (true) {
    // O_NONBLOCK: a pipe of that name would wait for its reader here.
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (fd_ < 0) fail("{}: cannot be created: {}", path_text(temporary_), std::strerror(errno));
    const bool is_taken = take_lock(fd_, LOCK_EX);
    if (is_taken && is_still_there(fd_, temporary_)) break;
    ::close(std::exchange(fd_, -1));
    if (!is_taken) fail("{}: another process is writing this file", path_text(path_));
  }
  empty_file(fd_, temporary_);
}

// The lock is held until the name is gone: nobody else may take the file over before.
AtomicFile::~AtomicFile() {
  if (!finished_) ::unlink(temporary_.c_str());
  if (fd_ >= 0) ::close(fd_);
}

void AtomicFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("{}: cannot be written: {}", path_text(temporary_), std::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::append(std::string_view text) {
  append(std::as_bytes(std::span<const char>(text.data(), text.size())));
}

void AtomicFile::sync() {
  QK_CHECK(fd_ >= 0);
  if (::fsync(fd_) != 0) {
    fail("{}: cannot be synced: {}", path_text(temporary_), std::strerror(errno));
  }
}

void AtomicFile::finish() {
  sync();
  rename_into_place(temporary_, path_);
  finished_ = true;
  ::close(std::exchange(fd_, -1));
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.append(text);
  file.finish();
}

void remove_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return;
    fail("{}: cannot be removed: {}", path_text(path), std::strerror(errno));
  }
  sync_folder(path);
}

void remove_leftover(const std::filesystem::path& path) {
  const std::filesystem::path temporary = temporary_of(path);
  struct stat status{};
  if (::lstat(temporary.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;
  if (take_lock(fd, LOCK_EX) && is_still_there(fd, temporary)) ::unlink(temporary.c_str());
  ::close(fd);
}

void publish_file(const std::filesystem::path& temporary, const std::filesystem::path& path) {
  const int fd = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("{}: cannot be opened: {}", path_text(temporary), std::strerror(errno));
  const int result = ::fsync(fd);
  const int sync_errno = errno;
  ::close(fd);
  if (result != 0) {
    fail("{}: cannot be synced: {}", path_text(temporary), std::strerror(sync_errno));
  }
  rename_into_place(temporary, path);
}

std::string read_file(const std::filesystem::path& path, size_t max_bytes) {
  const MappedFile file(path);
  if (file.bytes().size() > max_bytes) {
    fail("{}: has {} bytes, at most {} are allowed", path_text(path), file.bytes().size(),
         max_bytes);
  }
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

}  // namespace qk
