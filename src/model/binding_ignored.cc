// Which tensors of a checkpoint the capture does not need.
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

bool layer_does_not_run(int64_t layer, const ModelConfig& config) {
  if (layer < 0) return false;
  return layer >= config.num_hidden_layers || !config.layers[static_cast<size_t>(layer)].runs;
}

bool is_vision(std::string_view name) {
  skip(name, "model.");
  return name.starts_with("vision_tower.") || name.starts_with("vision_model.") ||
         name.starts_with("multi_modal_projector.");
}

bool is_output_head(std::string_view name) {
  skip(name, "model.");
  skip(name, "language_model.");
  return name.starts_with("lm_head.");
}

bool gguf_may_be_ignored(std::string_view name, const ModelConfig& config) {
  if (skip(name, "blk.")) return layer_does_not_run(layer_number(name), config);
  return gguf_is_beside_decoder(name);
}

}  // namespace

bool may_be_ignored(std::string_view name, std::string_view prefix, bool is_gguf,
                    const ModelConfig& config) {
  if (is_gguf) return gguf_may_be_ignored(name, config);
  if (is_vision(name) || is_output_head(name)) return true;
  if (name.ends_with("rotary_emb.inv_freq")) return true;
  if (!skip(name, prefix)) return false;
  if (skip(name, "layers.")) return layer_does_not_run(layer_number(name), config);
  return name == "norm.weight";
}

}  // namespace qk
