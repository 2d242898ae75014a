// Git LFS pointers: what a clone made without git-lfs has in place of a large file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace qk {

// Is this the whole content of a Git LFS pointer (below 1,024 bytes; "version <url>", then lines of
// "key value", "oid" among them)? Those of the first versions of Git LFS are recognised too, and
// those that an editor or a merge conflict changed.
bool is_lfs_pointer(std::string_view content);

// If the file is a pointer: that it is one, and how to fetch the real file, as the end of a sentence
// that begins with its name. Empty: it is none, or cannot be read.
std::string lfs_pointer_fault(const std::filesystem::path& path);
std::string lfs_pointer_fault(std::string_view content);

// Throws Error with the path and lfs_pointer_fault(). MappedFile and read_file() call this
// themselves.
void refuse_lfs_pointer(const std::filesystem::path& path);

}  // namespace qk
