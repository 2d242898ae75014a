// What differs from layer to layer: attention windows, layers without rotary embedding, skipped
// ones.

#include "base/error.h"
#include "model/config_normalise.h"

namespace qk {
namespace {

using nlohmann::json;

constexpr const char* kSliding = "sliding_attention";
constexpr const char* kFull = "full_attention";
constexpr int64_t kMaxWindow = int64_t{1} << 31;

bool switched_on(const ConfigObject& config, const Block& block) {
  if (block.window_switch_key.empty()) return true;
  return config.present(block.window_switch_key) && config.truth(block.window_switch_key);
}

int64_t window_of(const ConfigObject& config) {
  return config.whole("sliding_window", 1, kMaxWindow);
}

int64_t integer_or(const ConfigObject& config, std::string_view key, int64_t otherwise) {
  return config.present(key) ? config.whole(key, 0, kMaxLayers) : otherwise;
}

// 1 where the layer has a rotary embedding.
json derived_no_rope_layers(const ConfigObject& config, const ConfigDefaults& defaults,
                            int64_t num_layers) {
  const int64_t interval =
      integer_or(config, "no_rope_layer_interval", defaults.no_rope_layer_interval);
  if (interval == 0) config.refuse("no_rope_layer_interval", "an integer of at least 1");
  json out = json::array();
  for (int64_t layer = 0; layer < num_layers; ++layer) {
    out.push_back((layer + 1) % interval != 0 ? 1 : 0);
  }
  return out;
}

json derived_layer_types(const ConfigObject& config, const Architecture& architecture,
                         int64_t num_layers) {
  const Block& block = architecture.block;
  const ConfigDefaults& defaults = architecture.defaults;
  const bool window = config.given("sliding_window");
  int64_t first = 0;
  int64_t pattern = 1;
  if (window && block.layer_types == LayerTypeRule::kUpperLayers) {
    first = integer_or(config, "max_window_layers", defaults.max_window_layers);
  }
  if (block.layer_types == LayerTypeRule::kPattern) {
    pattern = integer_or(config, "sliding_window_pattern", defaults.sliding_window_pattern);
    if (pattern == 0) config.refuse("sliding_window_pattern", "an integer of at least 1");
  }
  json out = json::array();
  for (int64_t layer = 0; layer < num_layers; ++layer) {
    bool sliding = window;
    switch (block.layer_types) {
      case LayerTypeRule::kAllSliding:
        break;
      case LayerTypeRule::kUpperLayers:
        sliding = window && layer >= first;
        break;
      case LayerTypeRule::kPattern:
        sliding = (layer + 1) % pattern != 0;
        break;
      case LayerTypeRule::kLayersWithoutRope:
        sliding = window && switched_on(config, block) &&
                  exact_integer(config.json().at("no_rope_layers").at(layer)) == 0;
        break;
    }
    out.push_back(sliding ? kSliding : kFull);
  }
  return out;
}

[[noreturn]] void refuse_length(const ConfigObject& config, std::string_view key, size_t found,
                                int64_t num_layers) {
  fail("{}: {}: expected an entry for each of {} layers, found {}", config.file(), config.name(key),
       num_layers, found);
}

void check_length(const ConfigObject& config, std::string_view key, size_t found,
                  int64_t num_layers) {
  if (found < static_cast<size_t>(num_layers)) refuse_length(config, key, found, num_layers);
}

void read_windows(const ConfigObject& config, const Block& block, ModelConfig& model) {
  if (block.window == WindowRule::kNone) return;
  const bool recorded = switched_on(config, block);
  const bool may_be_null = block.window == WindowRule::kAllLayers;
  const bool given = config.given("sliding_window");
  if (may_be_null && !given) return;
  std::vector<std::string> types;
  if (block.window == WindowRule::kByLayerType) {
    types = config.strings("layer_types", kMaxLayers);
    check_length(config, "layer_types", types.size(), model.num_hidden_layers);
  }
  for (size_t layer = 0; layer < model.layers.size(); ++layer) {
    LayerConfig& out = model.layers[layer];
    bool sliding = true;
    if (!types.empty()) {
      sliding = types[layer] == kSliding;
      if (!sliding && types[layer] != kFull) {
        fail("{}: layer_types[{}]: expected {} or {}, found {}", config.file(), layer, kFull,
             kSliding, printable(types[layer]));
      }
      if (block.rope_by_layer_type) out.rope_idx = sliding ? 1 : 0;
    }
    out.sliding_window = sliding ? window_of(config) : 0;
    out.recorded_window = sliding && recorded;
  }
}

}  // namespace

void normalise_layers(json& config, const std::string& file, const Architecture& architecture) {
  const Block& block = architecture.block;
  const ConfigObject reader(config, file);
  const int64_t num_layers = reader.integer("num_hidden_layers", 1, kMaxLayers);
  if (block.no_rope_layers && !reader.given("no_rope_layers")) {
    json layers = derived_no_rope_layers(reader, architecture.defaults, num_layers);
    config["no_rope_layers"] = std::move(layers);
  }
  if (block.no_rope_layers) {
    check_length(reader, "no_rope_layers", reader.integers("no_rope_layers", kMaxLayers).size(),
                 num_layers);
  }
  if (!block.skipped_layers_key.empty()) {
    const std::string key(block.skipped_layers_key);
    if (!reader.given(key)) config[key] = json::parse(architecture.defaults.skipped_layers);
  }
  if (block.window == WindowRule::kNone) return;
  if (!reader.present("sliding_window")) {
    const int64_t window = architecture.defaults.sliding_window;
    config["sliding_window"] = window > 0 ? json(window) : json();
  }
  const bool keep_unrecorded = block.layer_types == LayerTypeRule::kLayersWithoutRope;
  if (!keep_unrecorded && !switched_on(reader, block)) config["sliding_window"] = nullptr;
  if (block.may_be_bidirectional && reader.given("use_bidirectional_attention") &&
      reader.truth("use_bidirectional_attention") && reader.given("sliding_window")) {
    config["sliding_window"] = window_of(reader) / 2 + 1;
  }
  if (block.window != WindowRule::kByLayerType) return;
  if (reader.given("layer_types")) {
    const size_t found = reader.strings("layer_types", kMaxLayers).size();
    if (found != static_cast<size_t>(num_layers)) {
      refuse_length(reader, "layer_types", found, num_layers);
    }
    return;
  }
  json types = derived_layer_types(reader, architecture, num_layers);
  config["layer_types"] = std::move(types);
}

void read_layers(const ConfigObject& config, const Architecture& architecture, ModelConfig& model) {
  const Block& block = architecture.block;
  model.layers.assign(static_cast<size_t>(model.num_hidden_layers), LayerConfig{});
  read_windows(config, block, model);
  if (block.no_rope_layers) {
    const std::vector<int64_t> rope = config.integers("no_rope_layers", kMaxLayers);
    check_length(config, "no_rope_layers", rope.size(), model.num_hidden_layers);
    for (size_t layer = 0; layer < model.layers.size(); ++layer) {
      if (rope[layer] == 0) model.layers[layer].rope_idx = -1;
    }
  }
  if (!block.skipped_layers_key.empty()) {
    for (const int64_t layer : config.integers(block.skipped_layers_key, kMaxLayers)) {
      if (layer >= 0 && layer < model.num_hidden_layers) model.layers[layer].runs = false;
    }
  }
}

}  // namespace qk
