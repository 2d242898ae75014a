// Qwen3 (dense): normalised heads; biases as the configuration says; windows as Qwen2.
#include "arch/architectures.h"

namespace qk {
namespace {

constexpr std::string_view kModelTypes[] = {"qwen3"};

}  // namespace

constexpr Architecture kQwen3 = {
    .name = "qwen3",
    .title = "Qwen3",
    .model_types = kModelTypes,
    .head_dim = HeadDimRule::kNotNull,
    .gguf_arch = "qwen3",
    .block = {.qk_norm = true,
              .mlp_bias = BiasRule::kNever,
              .window = WindowRule::kByLayerType,
              .window_switch_key = "use_sliding_window",
              .layer_types = LayerTypeRule::kUpperLayers},
    .defaults = {.vocab_size = 151936,
                 .intermediate_size = 22016,
                 .num_key_value_heads = 32,
                 .head_dim = 128,
                 .max_position_embeddings = 32768,
                 .sliding_window = 4096},
};

}  // namespace qk
