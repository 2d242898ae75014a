// Where the model and the tokenizer of a run are.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "capture/config.h"
#include "download/resolver.h"
#include "model/file_provider.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace qk {

struct FoundModel {
  std::filesystem::path source;          // folder or GGUF file
  std::optional<FileProvider> provider;  // of a Hub repository; uses the resolver
};

// What model.name means: a path that exists, else a Hub id at model.revision, whose files load_model
// brings as it needs them. Throws Error if it is neither, or a repository without a config.json
// or safetensors (what it has instead is named).
FoundModel find_model(const SniffConfig& config, Resolver& resolver);

// The tokenizer of tokenizer.name, else of model.name: a folder with tokenizer.json, such a file, a
// GGUF file (its own vocabulary), or a Hub id. As in the original, model.revision does not apply to
// the tokenizer: it is used, with a warning, only if revision main has none.
// Throws Error naming tokenizer.name or model.name.
Tokenizer load_tokenizer(const SniffConfig& config, const Model& model, Resolver& resolver,
                         std::vector<std::string>& warnings);

}  // namespace qk
