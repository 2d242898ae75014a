// A file on its way from the Hub: written front to back, so that it is at all times the beginning of
// the file, and proven by size and digest before it gets its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "base/hash.h"
#include "hub/hub_api.h"

namespace qk {

// What came is not the file. found: "sha256 1234...", "90 bytes".
struct WrongContent {
  std::string found;
};

// "sha256 1234..." of an LFS file, "git sha1 1234..." of others.
std::string describe_digest(const RemoteFile& file);

// An empty digest of the kind that names this file.
MessageDigest digest_for(const RemoteFile& file);

class PartialFile {
 public:
  // Opens the path, or creates it with its folders. What an earlier run left there is kept unless it
  // is longer than the file, and read for the digest. hashing() is called every few megabytes of it;
  // what it throws ends the reading. Throws Error.
  PartialFile(std::filesystem::path path, const RemoteFile& file,
              const std::function<void()>& hashing);
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  // Leaves no empty file behind.
  ~PartialFile();

  int64_t size() const { return size_; }
  bool has_all() const { return size_ == file_.size; }

  // Throws WrongContent: more bytes than the file has, or another program writes into it as well;
  // Error (disk full).
  void append(std::span<const std::byte> bytes);
  // Begins anew: empties the file, or if another program writes into it as well, leaves it to that
  // one and takes a file of its own, which goes away with this object. Throws Error.
  void restart();
  // Proves the content, syncs it, and renames it to `target`, in the same file system. Throws
  // WrongContent, Error.
  void finish(const std::filesystem::path& target);
  // The file goes away with this object, unless finish() went well.
  void discard() { keeps_ = false; }

 private:
  void open(int more_flags);
  void read_again(const std::function<void()>& hashing);
  [[noreturn]] void fail_shared();

  std::filesystem::path path_;
  RemoteFile file_;
  MessageDigest digest_;
  int fd_ = -1;
  int64_t size_ = 0;
  bool keeps_ = true;
  bool is_shared_ = false;  // another program writes into it
};

}  // namespace qk
