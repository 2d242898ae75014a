// What kind of file system a path is on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace qk {

struct FileSystemKind {
  std::string name;  // "NFS", "Lustre", ...; empty: a local disk, as far as can be told
  bool is_network = false;
  bool is_memory = false;      // tmpfs, ramfs: what is in it takes memory
  bool is_one_server = false;  // NFS, SMB, ...: one machine gives all bytes of a file
};

// By the number that statfs() gives. FUSE counts as a network: nobody can tell what is behind it.
FileSystemKind file_system_kind(int64_t magic);

// Of a file or folder, links followed. A path that is not there, or of which the system does not say:
// as a local disk.
FileSystemKind file_system_of(const std::filesystem::path& path);

}  // namespace qk
