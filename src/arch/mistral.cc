// Mistral 7B, Nemo, Small (text): Llama without biases, one window for all layers. GGUF files of
// these models call themselves llama.
#include "arch/architectures.h"

namespace qk {
namespace {

constexpr std::string_view kModelTypes[] = {"mistral"};
constexpr Wrapper kWrappers[] = {{"mistral3"}};

}  // namespace

constexpr Architecture kMistral = {
    .name = "mistral",
    .title = "Mistral",
    .model_types = kModelTypes,
    .wrappers = kWrappers,
    .block = {.qkv_bias = BiasRule::kNever,
              .o_bias = BiasRule::kNever,
              .mlp_bias = BiasRule::kNever,
              .window = WindowRule::kAllLayers},
    .defaults = {.intermediate_size = 14336,
                 .num_key_value_heads = 8,
                 .max_position_embeddings = 131072,
                 .sliding_window = 4096},
};

}  // namespace qk
