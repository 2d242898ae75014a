// The steps of configuration resolution, each a function of its own:
//   decoder config (from config.json or GGUF metadata)
//     -> normalise_config: every key present, one spelling (transformers 5), every default applied
//     -> read_overridden_config: what the user changes, merged as transformers 5 would
//     -> read_config:      types and ranges checked, ModelConfig filled
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "model/architecture.h"
#include "model/config_object.h"
#include "model/model_config.h"

namespace qk {

// Limits that no known model comes near; larger sizes are implausible and refused before
// allocation.
inline constexpr int64_t kMaxLayers = 4096;
inline constexpr int64_t kMaxWidth = int64_t{1} << 22;  // hidden_size, intermediate_size
inline constexpr int64_t kMaxHeads = int64_t{1} << 14;
inline constexpr int64_t kMaxHeadDim = int64_t{1} << 14;
inline constexpr int64_t kMaxVocabulary = int64_t{1} << 28;
inline constexpr int64_t kMaxPositions = int64_t{1} << 40;

// Throws Error if a key that others are derived from has a wrong type or range.
nlohmann::json normalise_config(const ConfigObject& decoder, const Architecture& architecture);

// Throws Error for what transformers refuses in a config.json though other sources may leave it out
// (a null window, no head_dim, ...), for attention that is not causal by a key that versions of
// transformers take differently, and for a nested text_config.
//   decoder  before normalise_config
void check_config_json(const ConfigObject& decoder, const Architecture& architecture);

// Sets `key` where it is absent.
void set_default(nlohmann::json& config, const char* key, const nlohmann::json& value);

// The rope object(s) of a decoder config under the key rope_parameters; rope_scaling, rope_theta
// and the like are moved in and removed from `config`.
void normalise_rope(nlohmann::json& config, const std::string& file,
                    const Architecture& architecture);

// sliding_window, layer_types and no_rope_layers, derived where the file does not have them.
void normalise_layers(nlohmann::json& config, const std::string& file,
                      const Architecture& architecture);

// read_config with changes.
//   overrides  JSON text of an object, or empty. rope_scaling is another name of rope_parameters. An
//              object is merged into an existing object, one level deep; anything else replaces.
// Throws Error for overrides that would silently have no effect: keys that nothing reads, and values
// that differ from the file's and yet change nothing.
// REQUIRES: config comes from normalise_config.
ModelConfig read_overridden_config(const ConfigObject& config, const std::string& overrides,
                                   const Architecture& architecture);

// REQUIRES: config comes from normalise_config.
ModelConfig read_config(const ConfigObject& config, const Architecture& architecture);

// One rope object. head_dim is read from `model`.
RopeParameters read_rope(const ConfigObject& config, const ConfigObject& rope,
                         const ModelConfig& model, const Architecture& architecture);

// ModelConfig::layers.
void read_layers(const ConfigObject& config, const Architecture& architecture, ModelConfig& model);

}  // namespace qk
