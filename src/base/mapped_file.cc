#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/lfs_pointer.h"
#include "base/path_text.h"

namespace qk {
namespace {

// Mapped files for path_of_mapping. A slot is taken while `begin` is not 0; the path is copied
// because a handler may run at any time.
struct Mapping {
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  char path[1024] = {};
};
std::array<Mapping, 1024> g_mappings;
std::mutex g_mappings_mutex;

void remember(const void* data, size_t size, const std::string& path) {
  const std::lock_guard lock(g_mappings_mutex);
  for (Mapping& mapping : g_mappings) {
    if (mapping.begin != 0) continue;
    mapping.end = 0;
    std::strncpy(mapping.path, path.c_str(), sizeof(mapping.path) - 1);
    mapping.begin = reinterpret_cast<uintptr_t>(data);
    mapping.end = mapping.begin + size;
    return;
  }
}

void forget(const void* data) {
  const std::lock_guard lock(g_mappings_mutex);
  for (Mapping& mapping : g_mappings) {
    if (mapping.begin != reinterpret_cast<uintptr_t>(data)) continue;
    mapping.end = 0;
    mapping.begin = 0;
    return;
  }
}

}  // namespace

const char* path_of_mapping(const void* address) {
  const auto at = reinterpret_cast<uintptr_t>(address);
  for (const Mapping& mapping : g_mappings) {
    // The last page of a file is mapped as a whole.
    if (mapping.begin <= at && at < mapping.end + 4096 && mapping.end != 0) return mapping.path;
  }
  return nullptr;
}

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  refuse_lfs_pointer(path);
  // O_NONBLOCK: a pipe would wait for its writer here.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail("{}: cannot be opened: {}", path_text(path), std::strerror(errno));
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    fail("{}: is not a regular file", path_text(path));
  }
  size_ = static_cast<size_t>(status.st_size);
  stamp_ = stamp_of(status);
  if (size_ > 0) {
    void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    const int map_errno = errno;
    ::close(fd);
    if (mapped == MAP_FAILED) {
      fail("{}: {} bytes cannot be mapped: {}", path_text(path), size_, std::strerror(map_errno));
    }
    data_ = static_cast<const std::byte*>(mapped);
    remember(data_, size_, path.string());
  } else {
    ::close(fd);
  }
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      stamp_(other.stamp_) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap();
    path_ = std::move(other.path_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    stamp_ = other.stamp_;
  }
  return *this;
}

MappedFile::~MappedFile() { unmap(); }

void MappedFile::take_pages_of(int fd) const {
  if (size_ == 0) return;
  void* place = const_cast<std::byte*>(data_);
  // MAP_FIXED puts the new pages in place of the old ones in one step.
  if (::mmap(place, size_, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED) {
    fail("{}: the {} bytes of its copy cannot be mapped: {}", path_text(path_), size_,
         std::strerror(errno));
  }
}

void MappedFile::drop(size_t begin, size_t end) const {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t first = (begin + page - 1) / page * page;
  const size_t last = std::min(end, size_) / page * page;
  if (first >= last) return;
  ::madvise(const_cast<std::byte*>(data_) + first, last - first, MADV_DONTNEED);
}

void MappedFile::unmap() noexcept {
  if (data_ != nullptr) forget(data_);
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  data_ = nullptr;
}

}  // namespace qk
