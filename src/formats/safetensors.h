// Hugging Face safetensors: one file, or shards with an index. Files are mapped, never read whole.
// Every rule of the format is enforced on open; a file that breaks one gives an Error that names
// the file, the tensor, what was expected and what was found.
// Source: the format's README.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
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

inline constexpr const char* kSingleWeights = "model.safetensors";
inline constexpr const char* kWeightsIndex = "model.safetensors.index.json";

using WeightMap = std::map<std::string, std::string>;  // tensor name -> shard's file name

// The weight_map of an index. Throws Error if the file is damaged.
WeightMap read_weight_map(const std::filesystem::path& index);

// Opens <folder>/model.safetensors if it is there, else the shards that the weight_map of
// <folder>/model.safetensors.index.json names (the order of transformers). Other files of the
// folder are never looked at. Where index and shards disagree, or a shard is missing or damaged, the
// tensors concerned have a `fault`; it is a fault of the model only if one of them is needed.
//   shards  only these are opened; a tensor that the index puts into another one has a name and a
//           file, but no type, shape and bytes. Null: all
// Throws Error: neither exists, the single file or the index is damaged.
SafetensorsModel open_safetensors(const std::filesystem::path& folder,
                                  const std::set<std::string>* shards = nullptr);

}  // namespace qk
