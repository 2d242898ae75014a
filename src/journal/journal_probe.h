// A quick look at a journal that does not read its vectors.
#pragma once

#include <filesystem>

namespace qk {

// False only if no document in the file can be whole: it is empty, or a journal without the end of a
// document. Checksums of payloads are not looked at. Throws Error if the file cannot be read.
bool may_hold_document(const std::filesystem::path& path);

}  // namespace qk
