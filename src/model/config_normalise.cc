#include "model/config_normalise.h"

#include <fmt/format.h>

namespace qk {

using nlohmann::json;

void set_default(json& config, const char* key, const json& value) {
  if (!config.contains(key)) config[key] = value;
}

json normalise_config(const ConfigObject& decoder, const Architecture& architecture) {
  json config = decoder.json();
  const ConfigDefaults& defaults = architecture.defaults;
  const std::string& file = decoder.file();
  set_default(config, "vocab_size", defaults.vocab_size);
  set_default(config, "hidden_size", defaults.hidden_size);
  set_default(config, "intermediate_size", defaults.intermediate_size);
  set_default(config, "num_hidden_layers", defaults.num_hidden_layers);
  set_default(config, "num_attention_heads", defaults.num_attention_heads);
  set_default(config, "max_position_embeddings", defaults.max_position_embeddings);
  set_default(config, "rms_norm_eps", defaults.rms_norm_eps);
  set_default(config, std::string(architecture.activation_key).c_str(), defaults.hidden_act);
  set_default(config, "attention_bias", defaults.attention_bias);
  set_default(config, "mlp_bias", false);
  if (defaults.num_key_value_heads > 0) {
    set_default(config, "num_key_value_heads", defaults.num_key_value_heads);
  }
  if (defaults.head_dim > 0) set_default(config, "head_dim", defaults.head_dim);

  const ConfigObject sizes(config, file);
  const int64_t heads = sizes.integer("num_attention_heads", 1, kMaxHeads);
  const int64_t hidden_size = sizes.integer("hidden_size", 1, kMaxWidth);
  sizes.integer("num_hidden_layers", 1, kMaxLayers);
  if (!sizes.given("num_key_value_heads")) config["num_key_value_heads"] = heads;
  const int64_t quotient = hidden_size / heads;
  if (!sizes.given("head_dim")) config["head_dim"] = quotient;
  if (architecture.head_dim == HeadDimRule::kDerived && config["head_dim"] != quotient) {
    sizes.refuse("head_dim", fmt::format("hidden_size / num_attention_heads ({})", quotient));
  }
  normalise_rope(config, file, architecture);
  normalise_layers(config, file, architecture);
  return config;
}

}  // namespace qk
