// Git LFS pointers: what a clone made without git-lfs has in place of a large file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace qk {

// Is this the whole content of a Git LFS pointer (below 1,024 bytes; "version <url>", then lines of
// "key value", "oid" among them)? Those of the first versions of Git LFS are recognised too.
bool is_lfs_pointer(std::string_view content);

// Throws Error if the bytes are a pointer: what the file is, and how to fetch the real one.
void refuse_lfs_pointer(const std::filesystem::path& path, std::span<const std::byte> content);
// The sentence without the path, for a file that another library will open; empty if it is none.
// A file that cannot be read is no pointer.
std::string lfs_pointer_fault(const std::filesystem::path& path);
// The same for a file that another library will open. A file that cannot be read is no pointer.
// MappedFile and read_file() call this themselves.
void refuse_lfs_pointer(const std::filesystem::path& path);

}  // namespace qk
