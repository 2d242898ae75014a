#include "staging/staged_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/path_text.h"

namespace qk {
namespace {

// Not a file in /dev/shm: containers give that 64 MiB, however much memory they may use.
OwnedFd file_in_memory() {
  return OwnedFd(::memfd_create("qkscope-weights", MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

OwnedFd file_in_folder(const std::filesystem::path& folder) {
  OwnedFd fd(::open(folder.c_str(), O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  if (fd.is_open() || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
  // A file system without nameless files: the name is there for a moment.
  std::string name = (folder / ".qkscope-weights-XXXXXX").string();
  fd = OwnedFd(::mkostemp(name.data(), O_CLOEXEC));
  if (fd.is_open()) ::unlink(name.c_str());
  return fd;
}

}  // namespace

StagedCopy::StagedCopy(const StagePlace& place, const std::filesystem::path& path, int64_t bytes)
    : path_(path),
      in_memory_(place.mode == StageMode::kRam),
      folder_(place.folder),
      fd_(in_memory_ ? file_in_memory() : file_in_folder(place.folder)) {
  if (!fd_.is_open()) {
    fail("--stage: no file can be made {}: {}", place_text(place), std::strerror(errno));
  }
  // Memory is taken as it is written to; not every file system can reserve.
  const bool has_room =
      in_memory_ || bytes == 0 || ::fallocate(fd_.get(), 0, 0, bytes) == 0 || errno != ENOSPC;
  if (!has_room) {
    fail("--stage: {}: has no room for the {} bytes of {}", path_text(folder_), bytes,
         path_text(path_));
  }
}

void StagedCopy::write(int64_t offset, std::span<const std::byte> piece) {
  while (!piece.empty()) {
    const ssize_t size = ::pwrite(fd_.get(), piece.data(), piece.size(), offset);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) {
      fail("--stage: the copy of {} {} cannot be written: {}", path_text(path_),
           in_memory_ ? "in memory" : "in " + path_text(folder_), std::strerror(errno));
    }
    piece = piece.subspan(static_cast<size_t>(size));
    offset += size;
  }
}

OwnedFd StagedCopy::finish() {
  if (in_memory_) {
    ::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  }
  return std::move(fd_);
}

}  // namespace qk
