// The bytes of a file, unpacked if its first bytes or its suffix are those of gzip, Zstandard or
// bzip2.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

namespace qk {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills up to buffer.size() bytes; 0 only at the end. Throws Error naming the file.
  virtual size_t read(std::span<char> buffer) = 0;
};

// Throws Error: the file cannot be opened, or is packed in a way that is not supported.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

// Bytes in memory, which must outlive the source.
std::unique_ptr<ByteSource> bytes_in_memory(std::string_view bytes);

}  // namespace qk
