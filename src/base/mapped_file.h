// A whole file, mapped read-only. Threads: safe to read from many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "base/file_stamp.h"

namespace qk {

class MappedFile {
 public:
  MappedFile() = default;
  // Throws Error if the file cannot be opened, is not a regular file, is a Git LFS pointer, or
  // cannot be mapped.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }
  // Of the file when it was opened.
  const FileStamp& stamp() const { return stamp_; }
  // Takes the pages from another file with the same bytes, at the same addresses: views stay valid,
  // and path() and messages keep the name. The file may be closed afterwards. Throws Error if it
  // cannot be mapped; the bytes must not be read any more then.
  // REQUIRES: no page has been written to; fd is open for reading and holds exactly these bytes.
  void take_pages_of(int fd) const;
  // Tells the kernel that the pages of this range are no longer needed (they can be read again).
  void drop(size_t begin, size_t end) const;

 private:
  void unmap() noexcept;
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  FileStamp stamp_;
};

// The path of the mapped file that an address belongs to, or null. Safe in a signal handler: a
// process that reads a mapped file gets SIGBUS if the disk fails or the file has been cut. Of more
// than a thousand files at once, the later ones are not known.
const char* path_of_mapping(const void* address);

}  // namespace qk
