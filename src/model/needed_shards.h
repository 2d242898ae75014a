// Which shards of a checkpoint a capture needs, by the names in their index.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "formats/safetensors.h"
#include "model/model.h"
#include "model/model_source.h"

namespace qk {

// The shards that hold anything but tensors that may be ignored (model/binding.h): embedding, layers
// up to the last one that is needed, and what would be refused. Throws Error if the index names no
// embedding.
//   source  for messages
// REQUIRES: model.architecture and model.config are set.
std::set<std::string> needed_shards(const WeightMap& weight_map, const ModelSource& opened,
                                    const Model& model, int64_t last_layer,
                                    const std::string& source);

}  // namespace qk
