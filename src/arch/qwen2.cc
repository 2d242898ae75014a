// Qwen2 and Qwen2.5 (text): biases on q, k and v always; windows in the upper layers if switched
// on.
#include "arch/architectures.h"

namespace qk {
namespace {

constexpr std::string_view kModelTypes[] = {"qwen2"};

}  // namespace

constexpr Architecture kQwen2 = {
    .name = "qwen2",
    .title = "Qwen2",
    .model_types = kModelTypes,
    .head_dim = HeadDimRule::kNotNull,
    .gguf_arch = "qwen2",
    .block = {.qkv_bias = BiasRule::kAlways,
              .o_bias = BiasRule::kNever,
              .mlp_bias = BiasRule::kNever,
              .window = WindowRule::kByLayerType,
              .window_switch_key = "use_sliding_window",
              .layer_types = LayerTypeRule::kUpperLayers},
    .defaults = {.vocab_size = 151936,
                 .intermediate_size = 22016,
                 .num_key_value_heads = 32,
                 .max_position_embeddings = 32768,
                 .sliding_window = 4096},
};

}  // namespace qk
