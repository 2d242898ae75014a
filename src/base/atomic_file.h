// A file that is either absent or whole: written to "<path>.tmp", synced, renamed into place. The
// writer holds an flock on the temporary file, so that two processes cannot garble it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace qk {

// "<path>.tmp".
std::filesystem::path temporary_of(const std::filesystem::path& path);

class AtomicFile {
 public:
  // Creates "<path>.tmp" (one that a killed process left is emptied). Throws Error if it cannot, if
  // another process is writing it, or if `path` is something other than a regular file (a folder, a
  // device).
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
  // The temporary file stays as it is when the object goes, for others to see that work was cut short.
  void leave() { finished_ = true; }

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int fd_ = -1;
  bool finished_ = false;  // or left: the temporary file is not removed
};

// Writes a whole small file atomically.
void write_file(const std::filesystem::path& path, std::string_view text);

// Removes a file for good: syncs its folder. Nothing if there is none. Throws Error if it cannot.
void remove_file(const std::filesystem::path& path);

// Removes "<path>.tmp" if a killed process left it there, as far as that is possible.
void remove_leftover(const std::filesystem::path& path);

// Syncs a file that another library wrote at `temporary`, renames it to `path`, syncs the folder.
void publish_file(const std::filesystem::path& temporary, const std::filesystem::path& path);

// Reads a whole small file. Throws Error if it cannot, or if it is larger than max_bytes.
std::string read_file(const std::filesystem::path& path, size_t max_bytes = size_t{1} << 30);

}  // namespace qk
