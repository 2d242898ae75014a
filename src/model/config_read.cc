#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "model/config_normalise.h"

namespace qk {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, Activation>, 6> kActivations = {{
    {"silu", Activation::kSilu},
    {"swish", Activation::kSilu},
    {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"gelu_new", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh},
    {"gelu", Activation::kGeluErf},
}};

Activation read_activation(const ConfigObject& config, std::string_view key) {
  const std::string name = config.string(key);
  std::string known;
  for (const auto& [spelling, activation] : kActivations) {
    if (name == spelling) return activation;
    known += (known.empty() ? "" : ", ") + std::string(spelling);
  }
  config.refuse(key, "one of " + known);
}

bool read_bias(const ConfigObject& config, BiasRule rule, std::string_view key) {
  if (rule == BiasRule::kConfigKey) return config.boolean(key);
  return rule == BiasRule::kAlways;
}

float softmax_scale(const ConfigObject& config, const Architecture& architecture,
                    int64_t head_dim) {
  const std::string_view key = architecture.block.softmax_scale_key;
  double value = static_cast<double>(head_dim);
  if (!key.empty()) {
    value = config.present(key) ? config.positive(key) : architecture.defaults.softmax_scale_value;
  }
  return static_cast<float>(std::pow(value, -0.5));
}

void read_sizes(const ConfigObject& config, const Architecture& architecture, ModelConfig& out) {
  out.vocab_size = config.integer("vocab_size", 1, kMaxVocabulary);
  out.embedding_rows = out.vocab_size + architecture.block.extra_embedding_rows;
  out.hidden_size = config.integer("hidden_size", 1, kMaxWidth);
  out.intermediate_size = config.integer("intermediate_size", 1, kMaxWidth);
  out.num_hidden_layers = config.integer("num_hidden_layers", 1, kMaxLayers);
  out.num_attention_heads = config.integer("num_attention_heads", 1, kMaxHeads);
  out.num_key_value_heads = config.integer("num_key_value_heads", 1, kMaxHeads);
  out.head_dim = config.integer("head_dim", 1, kMaxHeadDim);
  out.max_position_embeddings = config.integer("max_position_embeddings", 1, kMaxPositions);
  if (out.num_attention_heads % out.num_key_value_heads != 0) {
    config.refuse("num_key_value_heads",
                  fmt::format("a divisor of num_attention_heads ({})", out.num_attention_heads));
  }
}

void read_query_scale(const ConfigObject& rope, ModelConfig& out) {
  if (!rope.given("llama_4_scaling_beta")) return;
  out.query_scale_beta = rope.number("llama_4_scaling_beta");
  if (out.query_scale_beta == 0) return;
  out.query_scale_length = rope.integer("original_max_position_embeddings", 1, kMaxPositions);
}

// Keys whose override would change nothing, though the user means it to.
void refuse_idle_override(const std::string& key, const json& value) {
  if (key == "rope_theta" || key == "rope_local_base_freq") {
    fail(
        "model.config_overrides: {}: expected the key inside rope_parameters, found it at the top, "
        "where it has no effect",
        key);
  }
  if (key == "text_config") {
    fail("model.config_overrides: text_config: expected a key of the top-level configuration");
  }
  const bool rope = key == "rope_scaling" || key == "rope_parameters";
  if (rope && value.is_object() && value.contains("type") && !value.contains("rope_type")) {
    fail(
        "model.config_overrides: {}: expected the key rope_type, found only its old name type, "
        "which has no effect here",
        key);
  }
}

}  // namespace

void apply_overrides(json& config, const std::string& overrides) {
  if (overrides.empty()) return;
  const json changes = json::parse(overrides, nullptr, /*allow_exceptions=*/false);
  if (!changes.is_object()) {
    fail("model.config_overrides: expected a mapping, found {}",
         changes.is_discarded() ? printable(overrides, 60) : shown(changes));
  }
  for (const auto& [name, value] : changes.items()) {
    refuse_idle_override(name, value);
    const std::string key = name == "rope_scaling" ? "rope_parameters" : name;
    json& existing = config[key];
    if (existing.is_object() && value.is_object()) {
      existing.update(value);
    } else {
      existing = value;
    }
  }
}

ModelConfig read_config(const ConfigObject& config, const Architecture& architecture) {
  const Block& block = architecture.block;
  ModelConfig out;
  out.model_type = config.string("model_type");
  out.architecture = architecture.name;
  read_sizes(config, architecture, out);
  out.rms_norm_eps = config.positive("rms_norm_eps");
  out.hidden_act = read_activation(config, architecture.activation_key);
  out.qkv_bias = read_bias(config, block.qkv_bias, "attention_bias");
  out.o_bias = read_bias(config, block.o_bias, "attention_bias");
  out.mlp_bias = read_bias(config, block.mlp_bias, "mlp_bias");
  if (block.embedding_times_sqrt_hidden) {
    out.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(out.hidden_size)));
  }
  out.softmax_scale = softmax_scale(config, architecture, out.head_dim);
  if (block.may_be_bidirectional && config.given("use_bidirectional_attention")) {
    out.causal = !config.boolean("use_bidirectional_attention");
  }
  const ConfigObject rope = config.object("rope_parameters");
  if (block.rope_by_layer_type) {
    out.rope.push_back(read_rope(config, rope.object("full_attention"), out, architecture));
    out.rope.push_back(read_rope(config, rope.object("sliding_attention"), out, architecture));
  } else {
    out.rope.push_back(read_rope(config, rope, out, architecture));
  }
  if (block.query_position_scale) read_query_scale(rope, out);
  read_layers(config, architecture, out);
  return out;
}

}  // namespace qk
