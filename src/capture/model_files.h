// Where the model and the tokenizer of a run are.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "capture/config.h"
#include "hub/resolver.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace qk {

// The folder or GGUF file that model.name means: a path that exists, else a Hub id at
// model.revision. Throws Error if it is neither.
std::filesystem::path find_model(const SniffConfig& config, Resolver& resolver);

// The tokenizer of tokenizer.name, else of model.name: a folder with tokenizer.json, such a file, a
// GGUF file (its own vocabulary), or a Hub id. As in the original, model.revision does not apply to
// the tokenizer: it is used, with a warning, only if there is no revision main.
// Throws Error naming tokenizer.name or model.name.
Tokenizer load_tokenizer(const SniffConfig& config, const Model& model, Resolver& resolver,
                         std::vector<std::string>& warnings);

}  // namespace qk
