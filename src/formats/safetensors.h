// Hugging Face safetensors: one file, or shards with an index. Files are mapped, never read whole.
// Every rule of the format is enforced on open; a file that breaks one gives an Error that names
// the file, the tensor, what was expected and what was found.
// Source: the format's README.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "formats/stored_tensor.h"

namespace qk {

// Parses one file. The tensors' bytes point into `file`, sorted by name.
std::vector<StoredTensor> parse_safetensors(const MappedFile& file);
// The same for bytes in memory; `path` is for messages.
std::vector<StoredTensor> parse_safetensors(std::span<const std::byte> bytes,
                                            const std::filesystem::path& path);

// The header's __metadata__; empty if there is none. Checked as parse_safetensors checks it.
std::map<std::string, std::string> safetensors_metadata(const MappedFile& file);

struct SafetensorsModel {
  std::vector<MappedFile> files;
  std::vector<StoredTensor> tensors;  // of all files, sorted by name
};

// Opens <folder>/model.safetensors if it is there, else the shards that the weight_map of
// <folder>/model.safetensors.index.json names (the order of transformers). Other files of the
// folder are never looked at. Where index and shards disagree, or a shard is missing or damaged, the
// tensors concerned have a `fault`; it is a fault of the model only if one of them is needed.
// Throws Error: neither exists, the single file or the index is damaged.
SafetensorsModel open_safetensors(const std::filesystem::path& folder);

}  // namespace qk
