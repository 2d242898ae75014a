// GGUF metadata read as if it were config.json. Keys: tokenizers and GGUF notes of llama.cpp's
// converters (gguf-py/gguf/constants.py).
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

json rope_parameters(const Keys& keys) {
  json rope = {{"rope_theta", keys.number("rope.freq_base").value_or(10000.0)}};
  const std::string type = keys.string("rope.scaling.type").value_or("none");
  if (type != "none" && type != "linear" && type != "yarn") {
    fail("{}: expected none, linear or yarn, found {}", keys.where("rope.scaling.type"),
         printable(type));
  }
  rope["rope_type"] = type == "none" ? "default" : type;
  if (type == "none") return rope;
  const auto copy = [&](const char* to, std::string_view from) {
    if (const auto value = keys.number(from)) rope[to] = *value;
  };
  copy("factor", "rope.scaling.factor");
  if (const auto length = keys.integer("rope.scaling.original_context_length")) {
    rope["original_max_position_embeddings"] = *length;
  }
  copy("beta_fast", "rope.scaling.yarn_beta_fast");
  copy("beta_slow", "rope.scaling.yarn_beta_slow");
  return rope;
}

void refuse_unknown_behaviour(const Keys& keys, const Architecture& architecture) {
  for (const std::string_view key :
       {"expert_count", "rope.scaling.yarn_log_multiplier", "attn_logit_softcapping",
        "attention.scale", "attention.temperature_scale", "attention.max_alibi_bias",
        "attention.clamp_kqv"}) {
    keys.refuse_unless(key, 0);
  }
  for (const std::string_view key : {"rope.scaling.attn_factor", "rope.scaling.yarn_ext_factor",
                                     "rope.scaling.yarn_attn_factor"}) {
    keys.refuse_unless(key, 1);
  }
  if (architecture.block.window == WindowRule::kNone) {
    keys.refuse_unless("attention.sliding_window", 0);
  }
}

void copy_head_dim(const Keys& keys, json& config) {
  const auto key_length = keys.integer("attention.key_length");
  const auto value_length = keys.integer("attention.value_length");
  if (key_length) config["head_dim"] = *key_length;
  if (value_length && value_length != key_length) {
    fail("{}: expected attention.key_length ({}), found {}", keys.where("attention.value_length"),
         key_length.value_or(0), *value_length);
  }
}

void check_rotary_dim(const Keys& keys, const json& config, const Architecture& architecture) {
  const auto rotary_dim = keys.integer("rope.dimension_count");
  if (!rotary_dim) return;
  const int64_t heads = std::max<int64_t>(config.at("num_attention_heads").get<int64_t>(), 1);
  const int64_t head_dim = config.contains("head_dim")
                               ? config.at("head_dim").get<int64_t>()
                               : config.at("hidden_size").get<int64_t>() / heads;
  const double fraction = architecture.defaults.partial_rotary_factor;
  const auto expected = static_cast<int64_t>(static_cast<double>(head_dim) * fraction);
  if (*rotary_dim != expected) {
    fail("{}: expected {}, found {}", keys.where("rope.dimension_count"), expected, *rotary_dim);
  }
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
  check_rotary_dim(keys, config, architecture);
  const StoredTensor* embedding = find_tensor(file, "token_embd.weight");
  if (embedding == nullptr || embedding->shape.empty()) {
    fail("{}: token_embd.weight: expected the embedding table, found nothing",
         file.path().string());
  }
  config["vocab_size"] = embedding->shape.front();
  // The metadata does not say which projections have a bias: the tensors do.
  config["attention_bias"] = find_tensor(file, "blk.0.attn_q.bias") != nullptr;
  config["mlp_bias"] = find_tensor(file, "blk.0.ffn_up.bias") != nullptr;
  config["rope_parameters"] = rope_parameters(keys);
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
