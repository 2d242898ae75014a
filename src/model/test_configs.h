// For tests only: made-up architectures that have the rules of the real ones between them, and
// configurations of a few layers for them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/test_folder.h"
#include "model/model.h"

namespace qk {

using nlohmann::json;

inline constexpr std::string_view kPlainTypes[] = {"plain"};
inline constexpr Architecture kPlain = {
    .name = "plain", .title = "Plain", .model_types = kPlainTypes};

inline constexpr std::string_view kUpperTypes[] = {"upper"};
inline constexpr KeyedType kUpperKeyedTypes[] = {{"plain", "layer_types"}};
inline constexpr Architecture kUpper = {
    .name = "upper",
    .title = "Upper",
    .model_types = kUpperTypes,
    .keyed_types = kUpperKeyedTypes,
    .head_dim = HeadDimRule::kNotNull,
    .block = {.qkv_bias = BiasRule::kAlways,
              .o_bias = BiasRule::kNever,
              .window = WindowRule::kByLayerType,
              .window_switch_key = "use_sliding_window",
              .layer_types = LayerTypeRule::kUpperLayers},
    .defaults = {.head_dim = 128, .sliding_window = 4096},
};

// Two sets of rope parameters, a pattern of windows, a nested configuration with odd defaults.
inline constexpr std::string_view kTwoRopesTypes[] = {"two_ropes_text"};
inline constexpr Wrapper kTwoRopesWrappers[] = {{"two_ropes"}};
inline constexpr Architecture kTwoRopes = {
    .name = "two_ropes",
    .title = "Two Ropes",
    .model_types = kTwoRopesTypes,
    .wrappers = kTwoRopesWrappers,
    .activation_key = "hidden_activation",
    .null_key_value_heads = false,
    .block = {.rope_by_layer_type = true,
              .embedding_times_sqrt_hidden = true,
              .softmax_scale_key = "query_pre_attn_scalar",
              .window = WindowRule::kByLayerType,
              .window_required = true,
              .layer_types = LayerTypeRule::kPattern,
              .may_be_bidirectional = true},
    .defaults = {.num_key_value_heads = 4,
                 .head_dim = 256,
                 .hidden_act = "gelu_pytorch_tanh",
                 .rope_theta = 1e6,
                 .softmax_scale_value = 256,
                 .sliding_window = 4096},
};

// Layers without rotary embedding carry the window; some layers are skipped.
inline constexpr std::string_view kNoRopeTypes[] = {"no_rope"};
inline constexpr Architecture kNoRope = {
    .name = "no_rope",
    .title = "No Rope",
    .model_types = kNoRopeTypes,
    .head_dim = HeadDimRule::kDerived,
    .block = {.no_rope_layers = true,
              .query_position_scale = true,
              .extra_embedding_rows = 8,
              .window = WindowRule::kByLayerType,
              .window_switch_key = "use_sliding_window",
              .layer_types = LayerTypeRule::kLayersWithoutRope,
              .skipped_layers_key = "cross_attention_layers"},
    .defaults = {.rope_parameters =
                     R"({"rope_type": "yarn", "factor": 16.0, "rope_theta": 1000000.0,
                         "original_max_position_embeddings": 64, "llama_4_scaling_beta": 0.1})",
                 .skipped_layers = "[1]"},
};
inline constexpr const Architecture* kRegistry[] = {&kPlain, &kUpper, &kTwoRopes, &kNoRope};

inline json base(const std::string& type) {
  return {{"model_type", type},       {"vocab_size", 97},
          {"hidden_size", 32},        {"intermediate_size", 48},
          {"num_hidden_layers", 5},   {"num_attention_heads", 4},
          {"num_key_value_heads", 2}, {"max_position_embeddings", 512}};
}

inline json with(json config, const json& changes) {
  config.update(changes);
  return config;
}

inline ModelConfig resolve(const json& config, const std::string& overrides = "") {
  const TestFolder folder;
  write_file(folder.path() / "config.json", config.dump());
  return read_model_config(folder.path(), overrides, kRegistry);
}

inline std::string refusal(const json& config, const std::string& overrides = "") {
  try {
    resolve(config, overrides);
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

}  // namespace qk
