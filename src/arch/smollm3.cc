// SmolLM3: Llama with some layers without rotary embedding; windows, if any, on just these.
#include "arch/architectures.h"

namespace qk {
namespace {

constexpr std::string_view kModelTypes[] = {"smollm3"};

}  // namespace

constexpr Architecture kSmolLm3 = {
    .name = "smollm3",
    .title = "SmolLM3",
    .model_types = kModelTypes,
    .head_dim = HeadDimRule::kNotNull,
    .gguf_arch = "smollm3",
    .gguf_permuted_qk = true,
    .block = {.no_rope_layers = true,
              .window = WindowRule::kByLayerType,
              .window_switch_key = "use_sliding_window",
              .layer_types = LayerTypeRule::kLayersWithoutRope},
    .defaults = {.vocab_size = 128256,
                 .hidden_size = 2048,
                 .num_hidden_layers = 36,
                 .num_attention_heads = 16,
                 .num_key_value_heads = 4,
                 .max_position_embeddings = 32768,
                 .rope_theta = 2e6,
                 .tie_word_embeddings = true},
};

}  // namespace qk
