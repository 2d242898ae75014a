#include "staging/piece_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/path_text.h"
#include "staging/owned_fd.h"

namespace qk {
namespace {

// Opened anew each time it is looked at: file systems of a network may only then ask their server.
OwnedFd open_unchanged(const WeightFile& file, const char* since) {
  // O_NONBLOCK: a pipe would wait for its writer here.
  OwnedFd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0) {
    fail("{}: cannot be opened: {}", path_text(file.path), std::strerror(errno));
  }
  const FileStamp stamp = stamp_of(status);
  if (stamp.bytes != file.stamp.bytes) {
    fail("{}: changed {}: expected {} bytes, found {}", path_text(file.path), since,
         file.stamp.bytes, stamp.bytes);
  }
  if (stamp != file.stamp) {
    fail("{}: changed {}: it was written to, or another file took its place", path_text(file.path),
         since);
  }
  return fd;
}

class FilePieces : public PieceSource {
 public:
  explicit FilePieces(std::vector<WeightFile> files) : files_(std::move(files)) {}

  void read(size_t file, int64_t offset, std::span<std::byte> piece) override {
    const WeightFile& wanted = files_.at(file);
    if (offset == 0) {
      fd_ = open_unchanged(wanted, "since it was opened");
      ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    const int64_t begin = offset;
    while (!piece.empty()) {
      const ssize_t size = ::pread(fd_.get(), piece.data(), piece.size(), offset);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) fail("{}: cannot be read: {}", path_text(wanted.path), std::strerror(errno));
      if (size == 0) {
        fail("{}: changed while it was read: it ends after {} of {} bytes", path_text(wanted.path),
             offset, wanted.stamp.bytes);
      }
      piece = piece.subspan(static_cast<size_t>(size));
      offset += size;
    }
    // It is in memory once more from now on.
    ::posix_fadvise(fd_.get(), begin, offset - begin, POSIX_FADV_DONTNEED);
  }

  void finish(size_t file) override {
    fd_.close();
    open_unchanged(files_.at(file), "while it was read");
  }

 private:
  std::vector<WeightFile> files_;
  OwnedFd fd_;  // of the file that is being read
};

}  // namespace

std::unique_ptr<PieceSource> pieces_of_files(std::vector<WeightFile> files) {
  return std::make_unique<FilePieces>(std::move(files));
}

}  // namespace qk
