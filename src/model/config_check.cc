#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "model/config_normalise.h"
#include "model/model_source.h"

namespace qk {
namespace {

bool is_null(const ConfigObject& config, std::string_view key) {
  return config.present(key) && !config.given(key);
}

void check_head_dim(const ConfigObject& config, HeadDimRule rule) {
  constexpr std::string_view kExpected = "an integer";
  switch (rule) {
    case HeadDimRule::kMayBeNull:
      break;
    case HeadDimRule::kRequired:
      if (!config.given("head_dim")) config.refuse("head_dim", kExpected);
      break;
    case HeadDimRule::kNotNull:
    case HeadDimRule::kDerived:
      if (is_null(config, "head_dim")) config.refuse("head_dim", kExpected);
      break;
  }
}

// Values that switch nothing on.
bool is_off(const nlohmann::json& value) { return value.is_null() || value == false || value == 0; }

bool has_window(const nlohmann::json& layer_types) {
  return layer_types.is_array() && std::ranges::any_of(layer_types, [](const auto& type) {
           return type == "sliding_attention" || type == "chunked_attention";
         });
}

}  // namespace

std::vector<std::string> ignored_key_warnings(const ModelSource& source) {
  const Block& block = source.architecture->block;
  std::vector<std::string> out;
  const auto warn_of = [&](std::string_view key) {
    out.push_back(fmt::format("{}: {} has no effect in {}, as in transformers", source.config_name,
                              key, source.architecture->title));
  };
  const auto warn_if_on = [&](std::string_view key) {
    const auto found = source.decoder.find(key);
    if (found != source.decoder.end() && !is_off(*found)) warn_of(key);
  };
  if (block.window == WindowRule::kNone) warn_if_on("sliding_window");
  if (block.window != WindowRule::kByLayerType &&
      has_window(source.decoder.value("layer_types", nlohmann::json()))) {
    warn_of("layer_types");
  }
  if (!block.may_be_bidirectional) warn_if_on("use_bidirectional_attention");
  warn_if_on("attn_logit_softcapping");
  warn_if_on("attention_chunk_size");
  return out;
}

void check_config_json(const ConfigObject& decoder, const Architecture& architecture) {
  if (decoder.present("is_causal") && decoder.json().at("is_causal") != true) {
    decoder.refuse("is_causal",
                   "true (versions of transformers differ in what another value does)");
  }
  if (decoder.given("text_config")) {
    decoder.refuse("text_config", "nothing beside the keys of a decoder at the top");
  }
  check_head_dim(decoder, architecture.head_dim);
  if (!architecture.null_key_value_heads && is_null(decoder, "num_key_value_heads")) {
    decoder.refuse("num_key_value_heads", "an integer");
  }
  if (architecture.block.window_required && is_null(decoder, "sliding_window")) {
    decoder.refuse("sliding_window", "an integer");
  }
}

}  // namespace qk
