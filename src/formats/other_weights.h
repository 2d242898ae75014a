// What a model folder holds in place of safetensors, for messages.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace qk {

// "; the folder holds pytorch_model.bin; pickle files are not read: ..." or "; the folder holds
// X.gguf: name that file", for the end of a sentence; empty if the folder holds safetensors as it
// should, or no weights at all. Weights of Meta's releases lie in original/.
std::string other_weights(const std::filesystem::path& folder);

// The same of a repository with these files, in place of a folder: "; it holds pytorch_model.bin; ..."
// GGUF files are known by their names, and not spoken of.
std::string other_weights(const std::vector<std::string>& names);

}  // namespace qk
