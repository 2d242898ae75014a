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
    {"gelu_new", Activation::kGeluNew},
    {"gelu_fast", Activation::kGeluFast},
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
  if (rule == BiasRule::kConfigKey) return config.truth(key);
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

// Few rotary embeddings need it, so it is no fault here if it is null or infinite.
int64_t usable_length(const ConfigObject& config) {
  if (!config.given("max_position_embeddings")) return 0;
  const auto length = exact_integer(config.json().at("max_position_embeddings"));
  return length && *length >= 1 && *length <= kMaxPositions ? *length : 0;
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
  out.max_position_embeddings = usable_length(config);
  if (out.num_attention_heads % out.num_key_value_heads != 0) {
    config.refuse("num_key_value_heads",
                  fmt::format("a divisor of num_attention_heads ({})", out.num_attention_heads));
  }
}

void read_query_scale(const ConfigObject& rope, ModelConfig& out) {
  out.query_scale_beta = rope.number("llama_4_scaling_beta");
  if (out.query_scale_beta == 0) return;
  const int64_t length = out.rope.front().original_max_position_embeddings;
  out.query_scale_length =
      length > 0 ? length : rope.whole("original_max_position_embeddings", 1, kMaxPositions);
}

}  // namespace

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
    out.causal = !config.truth("use_bidirectional_attention");
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
