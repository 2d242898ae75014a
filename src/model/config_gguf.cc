// GGUF metadata in the keys of config.json, with llama.cpp's defaults where a key is absent
// (llama-model.cpp, models/*.cpp, llama-context.cpp; version 0.5.0).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "base/error.h"
#include "kernels/widen.h"
#include "model/config_normalise.h"
#include "model/gguf_keys.h"
#include "model/gguf_other_keys.h"
#include "model/model_source.h"

namespace qk {
namespace {

using nlohmann::json;

constexpr double kRopeTheta = 10000;  // llama.cpp's, where a file does not say

const StoredTensor* find_tensor(const GgufFile& file, std::string_view name) {
  for (const StoredTensor& tensor : file.tensors()) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

// 17 for "blk.17.attn_q.weight", -1 for tensors of no layer.
int64_t gguf_layer(std::string_view name) {
  int64_t layer = -1;
  if (name.starts_with("blk.")) std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  return layer;
}

// What positions are divided by. 1 where the file does not say, or says 0.
double rope_factor(const GgufKeys& keys) {
  auto factor = keys.number("rope.scaling.factor");
  if (!factor) factor = keys.number("rope.scale_linear");  // the old name
  return factor.value_or(0) == 0 ? 1 : *factor;
}

// A file with a factor and without a type means linear. A factor of 1 scales nothing.
std::string rope_type(const GgufKeys& keys, double factor) {
  const std::string type = keys.string("rope.scaling.type").value_or("linear");
  if (type != "none" && type != "linear" && type != "yarn") {
    fail("{}: expected none, linear or yarn, found {}", keys.where("rope.scaling.type"),
         printable(type));
  }
  return type == "none" || factor == 1 ? "default" : type;
}

// Where the components to be stretched would end before they begin, llama.cpp and transformers
// differ.
void check_yarn_range(const GgufKeys& keys, const json& rope) {
  const double length = rope.at("original_max_position_embeddings");
  const double slow = rope.value("beta_slow", 1.0);
  if (length >= 2 * std::numbers::pi * slow && rope.value("beta_fast", 32.0) >= slow) return;
  fail(
      "{}: expected more than 2 pi rope.scaling.yarn_beta_slow, and yarn_beta_fast above it; "
      "found {}, with yarn_beta_slow {} and yarn_beta_fast {}",
      keys.where("rope.scaling.original_context_length"), length, slow,
      rope.value("beta_fast", 32.0));
}

// The length that YaRN and the growth of queries with the position start from.
int64_t original_length(const GgufKeys& keys) {
  constexpr std::string_view kKey = "rope.scaling.original_context_length";
  const auto length = keys.integer(kKey);
  if (length && (*length == 0 || *length > INT32_MAX)) {
    fail("{}: expected an integer from 1 to {}, found {}", keys.where(kKey), INT32_MAX, *length);
  }
  return length ? *length : keys.required_integer("context_length");
}

double positive_or(const GgufKeys& keys, std::string_view key, double otherwise) {
  const double value = keys.number(key).value_or(otherwise);
  if (value <= 0) fail("{}: expected a number above 0, found {}", keys.where(key), value);
  return value;
}

void copy_yarn(const GgufKeys& keys, json& rope) {
  rope["beta_fast"] = positive_or(keys, "rope.scaling.yarn_beta_fast", 32);
  rope["beta_slow"] = positive_or(keys, "rope.scaling.yarn_beta_slow", 1);
  const double all_dim = keys.number("rope.scaling.yarn_log_multiplier").value_or(0);
  if (all_dim == 0) return;
  rope["mscale"] = 1.0;  // which the converter assumes
  rope["mscale_all_dim"] = all_dim;
}

json rope_parameters(const GgufKeys& keys, const Architecture& architecture, double theta) {
  const double factor = rope_factor(keys);
  json rope = {{"rope_theta", theta}, {"rope_type", rope_type(keys, factor)}};
  if (architecture.block.query_position_scale) {
    rope["llama_4_scaling_beta"] = keys.number("attention.temperature_scale").value_or(0);
    rope["original_max_position_embeddings"] = original_length(keys);
  }
  if (rope["rope_type"] == "default") return rope;
  rope["factor"] = factor;
  rope["original_max_position_embeddings"] = original_length(keys);
  if (rope["rope_type"] != "yarn") return rope;
  if (architecture.gguf_yarn_keys) copy_yarn(keys, rope);
  check_yarn_range(keys, rope);
  return rope;
}

// Scaling holds for layers without a window only. Every file with two sets says freq_base, and
// says freq_base_swa only if it is not 10,000.
json rope_parameters_by_layer_type(const GgufKeys& keys, const Architecture& architecture) {
  const double theta = keys.number("rope.freq_base_swa").value_or(kRopeTheta);
  return {{"full_attention",
           rope_parameters(keys, architecture, keys.required_number("rope.freq_base"))},
          {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", theta}}}};
}

// Every n-th layer has no window, the others have one. n = 0: all have one.
std::vector<bool> sliding_layers(const GgufKeys& keys, int64_t num_layers) {
  constexpr std::string_view kKey = "attention.sliding_window_pattern";
  if (const auto flags = keys.flags(kKey, num_layers)) return *flags;
  const int64_t period = keys.integer(kKey).value_or(6);
  std::vector<bool> out;
  out.reserve(static_cast<size_t>(num_layers));
  for (int64_t layer = 0; layer < num_layers; ++layer) {
    out.push_back(period == 0 || layer % period < period - 1);
  }
  return out;
}

// A window and the layers that have it. No window: full attention everywhere.
void copy_windows(const GgufKeys& keys, const Architecture& architecture, json& config) {
  config["sliding_window"] = nullptr;
  if (architecture.block.layer_types != LayerTypeRule::kPattern) {
    // Which layers a window holds for is not in the file.
    keys.refuse_unless("attention.sliding_window", {0});
    return;
  }
  const int64_t window = keys.integer("attention.sliding_window").value_or(0);
  if (window > 0) config["sliding_window"] = window;
  json types = json::array();
  for (const bool sliding : sliding_layers(keys, keys.required_integer("block_count"))) {
    types.push_back(sliding && window > 0 ? "sliding_attention" : "full_attention");
  }
  if (window > 0 && std::ranges::find(types, json("sliding_attention")) == types.end()) {
    fail(
        "{}: expected a window in one layer at least, found none, with attention.sliding_window {}",
        keys.where("attention.sliding_window_pattern"), window);
  }
  types.erase(types.begin() + config.at("num_hidden_layers").get<int64_t>(), types.end());
  config["layer_types"] = std::move(types);
}

void copy_head_dim(const GgufKeys& keys, json& config) {
  const int64_t heads = std::max<int64_t>(config.at("num_attention_heads").get<int64_t>(), 1);
  const int64_t share = config.at("hidden_size").get<int64_t>() / heads;
  const int64_t key_length = keys.integer("attention.key_length").value_or(share);
  const int64_t value_length = keys.integer("attention.value_length").value_or(share);
  if (value_length != key_length) {
    fail("{}: expected attention.key_length ({}), found {}", keys.where("attention.value_length"),
         key_length, value_length);
  }
  config["head_dim"] = key_length;
}

// The fraction f of a head that rotates, with int(head_dim * f) = dimension.
double fraction(int64_t dimension, int64_t head_dim) {
  const double f = static_cast<double>(dimension) / static_cast<double>(head_dim);
  const bool below = static_cast<int64_t>(static_cast<double>(head_dim) * f) < dimension;
  return below ? std::nextafter(f, 2.0) : f;
}

void copy_rotary_dim(const GgufKeys& keys, const Architecture& architecture, json& config) {
  const int64_t head_dim = config.at("head_dim").get<int64_t>();
  const int64_t rotary_dim = keys.integer("rope.dimension_count").value_or(head_dim);
  const bool partial = architecture.block.partial_rotary && rotary_dim >= 1;
  if (partial ? rotary_dim > head_dim : rotary_dim != head_dim) {
    fail("{}: expected {}{}, found {}", keys.where("rope.dimension_count"),
         partial ? "at most " : "", head_dim, rotary_dim);
  }
  if (partial) {
    config["partial_rotary_factor"] = fraction(rotary_dim, head_dim);  // wins over the class's
  }
}

void copy_softmax_scale(const Architecture& architecture, json& config) {
  const std::string key(architecture.block.softmax_scale_key);
  if (key.empty()) return;
  const bool of_hidden = config.at("num_hidden_layers") == architecture.gguf_hidden_scale_layers;
  const int64_t heads = std::max<int64_t>(config.at("num_attention_heads").get<int64_t>(), 1);
  config[key] =
      of_hidden ? json(config.at("hidden_size").get<int64_t>() / heads) : config.at("head_dim");
}

// block_count counts the layers that predict further tokens, which come last and do not run.
int64_t decoder_layers(const GgufKeys& keys, const Architecture& architecture) {
  constexpr std::string_view kKey = "nextn_predict_layers";
  if (!architecture.gguf_nextn_layers) keys.refuse_unless(kKey, {0});
  const int64_t all = keys.required_integer("block_count");
  if (all < 1 || all > kMaxLayers) {
    fail("{}: expected an integer from 1 to {}, found {}", keys.where("block_count"), kMaxLayers,
         all);
  }
  const int64_t beside = keys.integer(kKey).value_or(0);
  if (beside == 0) return all;
  if (beside >= all) {
    fail("{}: expected less than block_count ({}), found {}", keys.where(kKey), all, beside);
  }
  const std::string sign = fmt::format("blk.{}.nextn.eh_proj.weight", all - beside);
  if (find_tensor(keys.file(), sign) == nullptr) {
    fail("{}: expected the tensor {} with the value {}, found no such tensor", keys.where(kKey),
         sign, beside);
  }
  return all - beside;
}

json sizes(const GgufKeys& keys, const Architecture& architecture) {
  const int64_t blocks = keys.required_integer("block_count");
  const auto of_layers = [&](std::string_view key) {
    const auto value = keys.per_layer(key, blocks);
    return value ? *value : keys.required_integer(key);
  };
  json config = {{"model_type", architecture.model_types.front()},
                 {"hidden_size", keys.required_integer("embedding_length")},
                 {"intermediate_size", of_layers("feed_forward_length")},
                 {"num_hidden_layers", decoder_layers(keys, architecture)},
                 {"num_attention_heads", of_layers("attention.head_count")},
                 {"rms_norm_eps", keys.required_number("attention.layer_norm_rms_epsilon")},
                 {"max_position_embeddings", keys.required_integer("context_length")}};
  config["num_key_value_heads"] = keys.per_layer("attention.head_count_kv", blocks)
                                      .value_or(config.at("num_attention_heads").get<int64_t>());
  return config;
}

// Tensors of layers that block_count does not count, and tensors that llama.cpp reads for other
// architectures only.
void refuse_other_tensors(const GgufKeys& keys, const Architecture& architecture) {
  const int64_t blocks = keys.required_integer("block_count");
  for (const StoredTensor& tensor : keys.file().tensors()) {
    const int64_t layer = gguf_layer(tensor.name);
    if (layer >= blocks) {
      fail("{}: {}: expected layers below block_count ({}), found layer {}",
           keys.file().path().string(), printable(tensor.name), blocks, layer);
    }
  }
  if (find_tensor(keys.file(), "rope_freqs.weight") != nullptr && !architecture.gguf_rope_freqs) {
    fail("{}: rope_freqs.weight: expected no such tensor with the architecture {}, found it",
         keys.file().path().string(), architecture.gguf_arch);
  }
}

// Adapters and the like have the architecture of the model that they belong to.
void refuse_other_types(const GgufFile& file) {
  const std::string type = file.string("general.type").value_or("model");
  if (type == "model") return;
  fail("{}: general.type: expected model, found {}", file.path().string(), printable(type));
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
  const std::string where = file.path().string() + ": general.architecture: ";
  if (!name) fail("{}expected one of {}, found nothing", where, known);
  if (*name == "clip") {
    fail("{}clip is the part of a model that sees or hears: expected the file of its decoder",
         where);
  }
  fail("{}{} is not supported. Supported: {}", where, printable(*name), known);
}

json gguf_decoder_config(const GgufFile& file, const Architecture& architecture) {
  refuse_other_types(file);
  const GgufKeys keys(file, architecture.gguf_arch);
  json config = sizes(keys, architecture);
  copy_head_dim(keys, config);
  copy_softmax_scale(architecture, config);
  copy_windows(keys, architecture, config);
  const StoredTensor* embedding = find_tensor(file, "token_embd.weight");
  if (embedding == nullptr || embedding->shape.empty()) {
    fail("{}: token_embd.weight: expected the embedding table, found nothing",
         file.path().string());
  }
  config["vocab_size"] = embedding->shape.front();
  refuse_other_tensors(keys, architecture);
  // The metadata does not say which projections have a bias: the tensors do.
  config["attention_bias"] = find_tensor(file, "blk.0.attn_q.bias") != nullptr;
  config["mlp_bias"] = find_tensor(file, "blk.0.ffn_up.bias") != nullptr;
  config["rope_parameters"] =
      architecture.block.rope_by_layer_type
          ? rope_parameters_by_layer_type(keys, architecture)
          : rope_parameters(keys, architecture, keys.number("rope.freq_base").value_or(kRopeTheta));
  copy_rotary_dim(keys, architecture, config);
  refuse_other_keys(keys, architecture, config);
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
