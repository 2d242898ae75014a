// Where the model and the tokenizer of a run are: on the disk as named, or in the local Hub cache.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "capture/config.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace qk {

// The folder or GGUF file that model.name means: a path that exists, else a Hub id at
// model.revision. Throws Error if it is neither.
std::filesystem::path find_model(const SniffConfig& config);

// The tokenizer of tokenizer.name, else of model.name: a folder with tokenizer.json, such a file, a
// GGUF file (its own vocabulary), or a Hub id. As in the original, model.revision does not reach
// the tokenizer; it is only used, with a warning, when the default revision is not in the cache.
// Throws Error naming tokenizer.name or model.name.
Tokenizer load_tokenizer(const SniffConfig& config, const Model& model,
                         std::vector<std::string>& warnings);

}  // namespace qk
