// GGUF metadata read as if it were config.json. Keys: tokenizers and GGUF notes of llama.cpp's
// converters (gguf-py/gguf/constants.py).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/widen.h"
#include "model/config_object.h"
#include "model/model_source.h"

namespace qk {
namespace {

using nlohmann::json;

// Reads keys "<architecture>.<key>".
class Keys {
 public:
  Keys(const GgufFile& file, std::string arch) : file_(file), arch_(std::move(arch)) {}

  std::string full(std::string_view key) const { return arch_ + "." + std::string(key); }
  std::string where(std::string_view key) const {
    return file_.path().string() + ": " + printable(full(key));
  }
  std::optional<int64_t> integer(std::string_view key) const { return file_.integer(full(key)); }
  std::optional<double> number(std::string_view key) const { return file_.number(full(key)); }
  std::optional<std::string> string(std::string_view key) const { return file_.string(full(key)); }
  int64_t required(std::string_view key) const {
    const auto value = integer(key);
    if (!value) fail("{}: expected an integer, found nothing", where(key));
    return *value;
  }
  // A number, or one number per layer that is the same for all.
  std::optional<int64_t> uniform(std::string_view key) const {
    const auto it = file_.metadata().find(full(key));
    if (it == file_.metadata().end()) return std::nullopt;
    const bool list = std::holds_alternative<std::vector<uint64_t>>(it->second) ||
                      std::holds_alternative<std::vector<int64_t>>(it->second);
    if (!list) return integer(key);
    const auto values = file_.integers(full(key));
    if (!values || values->empty() ||
        std::ranges::count(*values, values->front()) != std::ssize(*values)) {
      fail("{}: expected the same number in every layer, found a list of different ones",
           where(key));
    }
    return values->front();
  }
  // true or false for every layer; nothing if the key is absent or is not such a list.
  std::optional<std::vector<bool>> flags(std::string_view key) const {
    const auto it = file_.metadata().find(full(key));
    if (it == file_.metadata().end()) return std::nullopt;
    const auto* list = std::get_if<std::vector<bool>>(&it->second);
    return list != nullptr ? std::optional(*list) : std::nullopt;
  }
  void refuse_list(std::string_view key) const {
    if (!file_.metadata().contains(full(key))) return;
    fail(
        "{}: expected the key to be absent, found it: positions with several axes are not "
        "supported",
        where(key));
  }
  // Throws Error if the key is there with a value that changes the computation.
  void refuse_unless(std::string_view key, double neutral) const {
    const auto value = number(key);
    if (value && *value != neutral) fail("{}: expected {}, found {}", where(key), neutral, *value);
  }

 private:
  const GgufFile& file_;
  std::string arch_;
};

const StoredTensor* find_tensor(const GgufFile& file, std::string_view name) {
  for (const StoredTensor& tensor : file.tensors()) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

void copy_number(const Keys& keys, json& to, const char* name, std::string_view key) {
  if (const auto value = keys.number(key)) to[name] = *value;
}

// The factors by which YaRN multiplies cosine and sine, as the converter took them from
// config.json.
void copy_yarn(const Keys& keys, json& rope) {
  copy_number(keys, rope, "beta_fast", "rope.scaling.yarn_beta_fast");
  copy_number(keys, rope, "beta_slow", "rope.scaling.yarn_beta_slow");
  copy_number(keys, rope, "attention_factor", "rope.scaling.yarn_attn_factor");
  if (const auto all = keys.number("rope.scaling.yarn_log_multiplier")) {
    rope["mscale"] = 1.0;  // which the converter assumes
    rope["mscale_all_dim"] = *all;
  }
}

json rope_parameters(const Keys& keys, const Architecture& architecture) {
  json rope = {{"rope_theta", keys.number("rope.freq_base").value_or(10000.0)}};
  const std::string type = keys.string("rope.scaling.type").value_or("none");
  if (type != "none" && type != "linear" && type != "yarn") {
    fail("{}: expected none, linear or yarn, found {}", keys.where("rope.scaling.type"),
         printable(type));
  }
  rope["rope_type"] = type == "none" ? "default" : type;
  if (architecture.block.query_position_scale) {
    copy_number(keys, rope, "llama_4_scaling_beta", "attention.temperature_scale");
  }
  if (type == "none") return rope;
  copy_number(keys, rope, "factor", "rope.scaling.factor");
  if (const auto length = keys.integer("rope.scaling.original_context_length")) {
    rope["original_max_position_embeddings"] = *length;
  }
  if (type == "yarn") copy_yarn(keys, rope);
  return rope;
}

// Scaling holds for layers without a window only.
json rope_parameters_by_layer_type(const Keys& keys, const Architecture& architecture) {
  const double theta =
      keys.number("rope.freq_base_swa").value_or(architecture.defaults.sliding_rope_theta);
  return {{"full_attention", rope_parameters(keys, architecture)},
          {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", theta}}}};
}

void refuse_unknown_behaviour(const Keys& keys, const Architecture& architecture) {
  for (const std::string_view key :
       {"expert_count", "attn_logit_softcapping", "attention.scale", "attention.max_alibi_bias",
        "attention.clamp_kqv", "attention.temperature_length", "nextn_predict_layers"}) {
    keys.refuse_unless(key, 0);
  }
  if (!architecture.block.query_position_scale) {
    keys.refuse_unless("attention.temperature_scale", 0);
    keys.refuse_unless("rope.scaling.yarn_log_multiplier", 0);
  }
  for (const std::string_view key :
       {"rope.scaling.attn_factor", "rope.scaling.yarn_ext_factor", "rope.scale_linear"}) {
    keys.refuse_unless(key, 1);
  }
  keys.refuse_list("rope.dimension_sections");
  if (architecture.block.layer_types != LayerTypeRule::kPattern) {
    // Which layers a window holds for is not in the file.
    keys.refuse_unless("attention.sliding_window", 0);
  }
}

// A window and the pattern of the layers that have it. No window: full attention everywhere.
void copy_windows(const Keys& keys, const Architecture& architecture, json& config) {
  if (architecture.block.layer_types != LayerTypeRule::kPattern) {
    config["sliding_window"] = nullptr;
    return;
  }
  const int64_t window = keys.integer("attention.sliding_window").value_or(0);
  config["sliding_window"] = window > 0 ? json(window) : json();
  if (window == 0) {
    config["sliding_window_pattern"] = 1;
  } else if (const auto types = keys.flags("attention.sliding_window_pattern")) {
    json names = json::array();
    for (const bool sliding : *types) {
      names.push_back(sliding ? "sliding_attention" : "full_attention");
    }
    config["layer_types"] = std::move(names);
  } else if (const auto pattern = keys.integer("attention.sliding_window_pattern")) {
    config["sliding_window_pattern"] = *pattern;
  }
}

void copy_head_dim(const Keys& keys, json& config) {
  const auto key_length = keys.integer("attention.key_length");
  const auto value_length = keys.integer("attention.value_length");
  if (value_length && value_length != key_length) {
    fail("{}: expected attention.key_length ({}), found {}", keys.where("attention.value_length"),
         key_length.value_or(0), *value_length);
  }
  const int64_t heads = std::max<int64_t>(config.at("num_attention_heads").get<int64_t>(), 1);
  config["head_dim"] = key_length.value_or(config.at("hidden_size").get<int64_t>() / heads);
}

// The fraction f of a head that rotates, with int(head_dim * f) = dimension.
double fraction(int64_t dimension, int64_t head_dim) {
  const double f = static_cast<double>(dimension) / static_cast<double>(head_dim);
  const bool below = static_cast<int64_t>(static_cast<double>(head_dim) * f) < dimension;
  return below ? std::nextafter(f, 2.0) : f;
}

void copy_rotary_dim(const Keys& keys, const Architecture& architecture, json& config) {
  const auto rotary_dim = keys.integer("rope.dimension_count");
  if (!rotary_dim) return;
  const int64_t head_dim = config.at("head_dim").get<int64_t>();
  const bool partial = architecture.block.partial_rotary && *rotary_dim >= 1;
  if (partial ? *rotary_dim > head_dim : *rotary_dim != head_dim) {
    fail("{}: expected {}{}, found {}", keys.where("rope.dimension_count"),
         partial ? "at most " : "", head_dim, *rotary_dim);
  }
  if (partial) {
    config["rope_parameters"]["partial_rotary_factor"] = fraction(*rotary_dim, head_dim);
  }
}

void copy_softmax_scale(const Architecture& architecture, json& config) {
  const std::string key(architecture.block.softmax_scale_key);
  if (key.empty()) return;
  const bool of_hidden = config.at("num_hidden_layers") == architecture.gguf_hidden_scale_layers;
  const auto heads = std::max<double>(config.at("num_attention_heads").get<double>(), 1);
  config[key] =
      of_hidden ? json(config.at("hidden_size").get<double>() / heads) : config.at("head_dim");
}

}  // namespace

const Architecture& gguf_architecture(const GgufFile& file,
                                      std::span<const Architecture* const> registry) {
  const auto name = file.string("general.architecture");
  std::string known;
  for (const Architecture* architecture : registry) {
    if (architecture->gguf_arch.empty()) continue;
    if (name && *name == architecture->gguf_arch) return *architecture;
    known += (known.empty() ? "" : ", ") + std::string(architecture->gguf_arch);
  }
  fail("{}: general.architecture: expected one of {}, found {}", file.path().string(), known,
       name ? printable(*name) : "nothing");
}

json gguf_decoder_config(const GgufFile& file, const Architecture& architecture) {
  const Keys keys(file, std::string(architecture.gguf_arch));
  refuse_unknown_behaviour(keys, architecture);
  json config = {{"model_type", architecture.model_types.front()},
                 {"hidden_size", keys.required("embedding_length")},
                 {"intermediate_size", keys.required("feed_forward_length")},
                 {"num_hidden_layers", keys.required("block_count")},
                 {"num_attention_heads", keys.required("attention.head_count")}};
  const auto epsilon = keys.number("attention.layer_norm_rms_epsilon");
  if (!epsilon) {
    fail("{}: expected a number, found nothing", keys.where("attention.layer_norm_rms_epsilon"));
  }
  config["rms_norm_eps"] = *epsilon;
  if (const auto heads = keys.uniform("attention.head_count_kv")) {
    config["num_key_value_heads"] = *heads;
  }
  if (const auto length = keys.integer("context_length")) {
    config["max_position_embeddings"] = *length;
  }
  copy_head_dim(keys, config);
  copy_softmax_scale(architecture, config);
  copy_windows(keys, architecture, config);
  const StoredTensor* embedding = find_tensor(file, "token_embd.weight");
  if (embedding == nullptr || embedding->shape.empty()) {
    fail("{}: token_embd.weight: expected the embedding table, found nothing",
         file.path().string());
  }
  config["vocab_size"] = embedding->shape.front();
  // The metadata does not say which projections have a bias: the tensors do.
  config["attention_bias"] = find_tensor(file, "blk.0.attn_q.bias") != nullptr;
  config["mlp_bias"] = find_tensor(file, "blk.0.ffn_up.bias") != nullptr;
  config["rope_parameters"] = architecture.block.rope_by_layer_type
                                  ? rope_parameters_by_layer_type(keys, architecture)
                                  : rope_parameters(keys, architecture);
  copy_rotary_dim(keys, architecture, config);
  return config;
}

std::vector<double> gguf_rope_divisors(const GgufFile& file, int64_t rotary_dim) {
  const StoredTensor* tensor = find_tensor(file, "rope_freqs.weight");
  if (tensor == nullptr) return {};
  const std::string where = file.path().string() + ": rope_freqs.weight";
  if (tensor->dtype != DType::kF32 || tensor->shape != std::vector<int64_t>{rotary_dim / 2}) {
    fail("{}: expected F32 [{}], found {} [{}]", where, rotary_dim / 2,
         printable(tensor->dtype_name), fmt::join(tensor->shape, ", "));
  }
  std::vector<float> values(static_cast<size_t>(rotary_dim / 2));
  widen_row(DType::kF32, tensor->bytes.data(), 0, rotary_dim / 2, values.data());
  for (const float value : values) {
    if (!std::isfinite(value) || value <= 0) {
      fail("{}: expected numbers above 0, found {}", where, value);
    }
  }
  return {values.begin(), values.end()};
}

}  // namespace qk
