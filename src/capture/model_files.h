// Where the model and the tokenizer of a run are: on the disk as named, or in the local Hub cache.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
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

struct IdentifiedFile {
  std::string name;  // without its folder
  int64_t bytes = 0;
  std::string sha256;
};

// The files that the model was read from: config.json, the index of the shards and the weights, or
// the GGUF file; sorted by name. progress(bytes done, bytes in all) is called from the thread that
// asks. A file of the Hub cache that is named by its SHA-256 is not read again.
std::vector<IdentifiedFile> identify_model(
    const Model& model, ThreadPool& pool,
    const std::function<void(int64_t done, int64_t total)>& progress);

}  // namespace qk
