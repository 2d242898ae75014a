// The file .env in the working directory, which the original tool reads, too.
#pragma once

#include <filesystem>

namespace qk {

// Sets the variables that tell where the Hub cache is (HF_HOME, HF_HUB_CACHE,
// HUGGINGFACE_HUB_CACHE, XDG_CACHE_HOME) as the file says, unless they are set already. Lines are
// NAME=value, with `export` before or quotes around the value if need be; '#' begins a comment. A
// file that is not there, or larger than 64 KiB, is nothing.
void read_dotenv(const std::filesystem::path& path);

}  // namespace qk
