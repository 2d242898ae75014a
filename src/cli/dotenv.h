// Reads the file .env in the working directory, as the original tool does.
#pragma once

#include <filesystem>

namespace qk {

// Sets the variables that locate the Hub cache (HF_HOME, HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE,
// XDG_CACHE_HOME) to the file's values, unless they are set already. Lines are NAME=value,
// optionally with `export` before the name and quotes around the value; '#' starts a comment. A
// missing file, or one larger than 64 KiB, is ignored.
void read_dotenv(const std::filesystem::path& path);

}  // namespace qk
