// The files that a model was read from.
#pragma once

#include <filesystem>
#include <vector>

#include "model/model.h"

namespace qk {

// config.json, the index of the shards and the weights, shards that are not needed among them, or
// the GGUF file; ascending.
std::vector<std::filesystem::path> source_files(const Model& model);

}  // namespace qk
