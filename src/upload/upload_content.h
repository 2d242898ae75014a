// The bytes of a file that is uploaded, and the names that git and the Hub give to them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "upload/upload.h"

namespace qk {

// Padded, without line breaks.
std::string base64(std::string_view bytes);

// The first bytes, all of them if there are fewer. Throws Error if they cannot be read.
std::string first_bytes(const UploadFile& file, size_t most);

// Git's name of the content: SHA-1 of "blob <size>\0" and the bytes.
std::string git_blob_id(const UploadFile& file);

// Whether the repository has this very content at the path.
bool is_content_of(const UploadFile& file, const RemoteFile& remote);

}  // namespace qk
