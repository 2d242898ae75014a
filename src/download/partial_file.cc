#include "download/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/path_text.h"

namespace qk {
namespace {

constexpr size_t kReadAgainBytes = size_t{4} << 20;

bool is_full(int error) { return error == ENOSPC || error == EDQUOT; }

[[noreturn]] void fail_write(const std::filesystem::path& path, const RemoteFile& file,
                             int64_t written, int error) {
  if (!is_full(error)) fail("{}: cannot be written: {}", path_text(path), std::strerror(error));
  fail("{}: the disk is full ({}): {} needs {} more bytes there; make room and run the same again",
       path_text(path.parent_path()), std::strerror(error), printable(file.path),
       file.size - written);
}

}  // namespace

std::string describe_digest(const RemoteFile& file) {
  return (file.sha256.empty() ? "git sha1 " : "sha256 ") + file.digest();
}

MessageDigest digest_for(const RemoteFile& file) {
  return file.sha256.empty() ? MessageDigest::git_blob(file.size) : MessageDigest::sha256();
}

PartialFile::PartialFile(std::filesystem::path path, const RemoteFile& file,
                         const std::function<void()>& hashing)
    : path_(std::move(path)), file_(file), digest_(digest_for(file)) {
  std::error_code error;
  std::filesystem::create_directories(path_.parent_path(), error);
  if (error) fail("{}: cannot be made: {}", path_text(path_.parent_path()), error.message());
  open(0);
  try {
    read_again(hashing);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

PartialFile::~PartialFile() {
  if (fd_ < 0) return;
  if (!is_shared_ && (!keeps_ || size_ == 0)) ::unlink(path_.c_str());
  ::close(fd_);
}

void PartialFile::open(int more_flags) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | more_flags, 0666);
  if (fd_ < 0 && is_full(errno)) fail_write(path_, file_, 0, errno);
  if (fd_ < 0) fail("{}: cannot be created: {}", path_text(path_), std::strerror(errno));
}

void PartialFile::fail_shared() {
  is_shared_ = true;
  throw WrongContent{"a file that another program writes as well"};
}

void PartialFile::read_again(const std::function<void()>& hashing) {
  struct stat status{};
  if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
    fail("{}: expected a file, found something else", path_text(path_));
  }
  if (status.st_size > file_.size) return restart();
  std::vector<std::byte> buffer(std::min<size_t>(kReadAgainBytes, status.st_size));
  while (size_ < status.st_size) {
    hashing();
    const ssize_t got = ::pread(fd_, buffer.data(), buffer.size(), size_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("{}: cannot be read: {}", path_text(path_), std::strerror(errno));
    if (got == 0) {  // another program cut it meanwhile
      is_shared_ = true;
      return restart();
    }
    digest_.update(std::span(buffer).first(static_cast<size_t>(got)));
    size_ += got;
  }
}

void PartialFile::append(std::span<const std::byte> bytes) {
  if (size_ + static_cast<int64_t>(bytes.size()) > file_.size) {
    throw WrongContent{fmt::format("more than {} bytes", file_.size)};
  }
  struct stat status{};
  if (::fstat(fd_, &status) == 0 && status.st_size != size_) fail_shared();
  digest_.update(bytes);
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), size_);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_write(path_, file_, size_, errno);
    bytes = bytes.subspan(static_cast<size_t>(written));
    size_ += written;
  }
}

void PartialFile::restart() {
  if (is_shared_) {
    ::close(std::exchange(fd_, -1));
    path_.replace_extension(fmt::format(".{:08x}.incomplete", std::random_device()()));
    open(O_EXCL);
    is_shared_ = false;
    keeps_ = false;
  } else if (::ftruncate(fd_, 0) != 0) {
    fail("{}: cannot be written: {}", path_text(path_), std::strerror(errno));
  }
  size_ = 0;
  digest_ = digest_for(file_);
}

void PartialFile::finish(const std::filesystem::path& target) {
  if (!has_all()) throw WrongContent{fmt::format("{} bytes", size_)};
  const std::string found = digest_.hex();
  if (found != file_.digest()) {
    throw WrongContent{(file_.sha256.empty() ? "git sha1 " : "sha256 ") + found};
  }
  struct stat written{};
  struct stat named{};
  if (::fstat(fd_, &written) != 0 || ::stat(path_.c_str(), &named) != 0 ||
      written.st_ino != named.st_ino || written.st_size != size_) {
    fail_shared();
  }
  publish_file(path_, target);
  ::close(std::exchange(fd_, -1));
}

}  // namespace qk
