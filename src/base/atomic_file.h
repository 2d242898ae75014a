// A file that is either absent or whole: written to "<path>.tmp", synced, renamed into place.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace qk {

class AtomicFile {
 public:
  // Creates "<path>.tmp" (an old one is replaced). Throws Error if it cannot, or if `path` is
  // something other than a regular file (a folder, a device).
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  // Without a finish() that went well: removes the temporary file; never throws.
  ~AtomicFile();

  // Throws Error with the path and the reason (disk full, ...).
  void append(std::span<const std::byte> bytes);
  void append(std::string_view text);
  // Syncs what was appended; of several files that belong together, do it to all before the first
  // finish(): a full disk then leaves the old ones. Throws Error.
  void sync();
  // Syncs, closes, renames to the final path, syncs the folder. Throws Error.
  void finish();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int fd_ = -1;
  bool finished_ = false;
};

// Writes a whole small file atomically.
void write_file(const std::filesystem::path& path, std::string_view text);

// Syncs a file that another library wrote at `temporary`, renames it to `path`, syncs the folder.
void publish_file(const std::filesystem::path& temporary, const std::filesystem::path& path);

// Reads a whole small file. Throws Error if it cannot, or if it is larger than max_bytes.
std::string read_file(const std::filesystem::path& path, size_t max_bytes = size_t{1} << 30);

}  // namespace qk
