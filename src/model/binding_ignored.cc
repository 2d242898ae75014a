// Which tensors of a checkpoint the capture does not need.
#include <algorithm>
#include <array>
#include <charconv>

#include "model/binding.h"

namespace qk {
namespace {

// Consumes `part` from the front.
bool skip(std::string_view& name, std::string_view part) {
  if (!name.starts_with(part)) return false;
  name.remove_prefix(part.size());
  return true;
}

// The layer index at the front of "17.self_attn...", or -1.
int64_t layer_number(std::string_view name) {
  int64_t layer = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
  const bool ends_in_dot = end != name.data() + name.size() && *end == '.';
  return error == std::errc() && ends_in_dot ? layer : -1;
}

bool is_needed_layer(int64_t layer, const ModelConfig& config, int64_t last_layer) {
  return layer < 0 || (layer < config.num_hidden_layers && layer <= last_layer &&
                       config.layers[static_cast<size_t>(layer)].runs);
}

// Tables that older versions of transformers stored in a layer.
bool is_buffer(const StoredTensor& tensor) {
  constexpr std::array<std::string_view, 3> kEndings = {".masked_bias", ".causal_mask",
                                                        ".position_ids"};
  const std::string_view name = tensor.name;
  if (name.find(".rotary_emb.") != std::string_view::npos) return true;
  const auto ends = [&](std::string_view ending) { return name.ends_with(ending); };
  // A causal mask [1, 1, tokens, tokens] is stored as the bias of attention.
  const bool mask = name.ends_with("attn.bias") && tensor.shape.size() == 4;
  return mask || std::ranges::any_of(kEndings, ends);
}

// A part of the decoder's input that its architecture does not have.
bool changes_input(std::string_view name) {
  if (name == "position_ids") return false;  // 0, 1, 2, ...
  const std::string_view first = name.substr(0, name.find('.'));
  return first.find("embed") != std::string_view::npos ||
         first.find("position") != std::string_view::npos || first == "wpe";
}

bool is_adapter(std::string_view name) { return name.find(".lora_") != std::string_view::npos; }

bool gguf_may_be_ignored(std::string_view name, const ModelConfig& config, int64_t last_layer) {
  if (skip(name, "blk.")) return !is_needed_layer(layer_number(name), config, last_layer);
  return gguf_is_beside_decoder(name);
}

}  // namespace

bool is_other_part(std::string_view name) {
  return name.find("vision") != std::string_view::npos ||
         name.find("visual") != std::string_view::npos ||
         name.find("audio") != std::string_view::npos;
}

bool may_be_ignored(const StoredTensor& tensor, std::string_view prefix, bool is_gguf,
                    const ModelConfig& config, int64_t last_layer) {
  std::string_view name = tensor.name;
  if (is_gguf) return gguf_may_be_ignored(name, config, last_layer);
  if (!skip(name, prefix)) return !is_adapter(name) || is_other_part(name);
  if (skip(name, "layers.")) {
    return !is_needed_layer(layer_number(name), config, last_layer) || is_buffer(tensor);
  }
  return is_other_part(name) || !(changes_input(name) || is_adapter(name));
}

bool every_model_has(std::string_view name, std::string_view prefix, bool is_gguf,
                     const ModelConfig& config, int64_t last_layer) {
  const auto is_later = [&](std::string_view rest) {
    const int64_t layer = layer_number(rest);
    return layer < config.num_hidden_layers && !is_needed_layer(layer, config, last_layer);
  };
  if (is_gguf) {
    if (skip(name, "blk.")) return is_later(name);
    return name.starts_with("output.") || name == "output_norm.weight" ||
           name == "rope_freqs.weight";
  }
  if (name.ends_with("lm_head.weight")) return true;
  if (!skip(name, prefix)) return false;
  if (skip(name, "layers.")) return is_later(name);
  return name == "norm.weight";
}

}  // namespace qk
