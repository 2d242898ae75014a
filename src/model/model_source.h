// Where a model comes from: a folder with config.json, or one GGUF file; and which architecture of
// the registry describes it.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "formats/gguf.h"
#include "model/architecture.h"
#include "model/model_config.h"

namespace qk {

struct ModelSource {
  const Architecture* architecture = nullptr;
  nlohmann::json decoder;                // the decoder's configuration, in Hugging Face keys
  bool ties_embeddings = false;          // the output head's matrix is the embedding
  std::string dtype;                     // of the weights by config.json: "bfloat16", or empty
  bool is_wrapped = false;               // it was in text_config of a multimodal configuration
  std::string config_name;               // for messages: the file the configuration comes from
  std::shared_ptr<const GgufFile> gguf;  // null for safetensors
};

//   is_whole  all files of the folder are there; if not, its weights are known to come
// Throws Error for neither form, an unknown model_type (with the list of known ones), a quantised
// checkpoint, and a missing nested configuration.
ModelSource open_model_source(const std::filesystem::path& source,
                              std::span<const Architecture* const> registry, bool is_whole = true);

// Normalised, overridden, read; for GGUF with the divisors of rope_freqs.weight.
ModelConfig resolve_config(const ModelSource& source, const std::string& overrides);

// A sentence for each key of the decoder's config.json that says which keys a query sees or how
// scores are made, and that transformers ignores in this architecture.
std::vector<std::string> ignored_key_warnings(const ModelSource& source);

// GGUF metadata in Hugging Face keys. Throws Error for what a GGUF can express but we do not
// compute.
nlohmann::json gguf_decoder_config(const GgufFile& file, const Architecture& architecture);

// The architecture whose gguf_arch the file names.
const Architecture& gguf_architecture(const GgufFile& file,
                                      std::span<const Architecture* const> registry);

// rope_freqs.weight: [rotary_dim / 2] divisors of the frequencies; empty if the file has none.
std::vector<double> gguf_rope_divisors(const GgufFile& file, int64_t rotary_dim);

}  // namespace qk
