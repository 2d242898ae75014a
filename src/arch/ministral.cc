// Ministral-8B: Mistral with windows in some layers only. A config.json that says mistral and has
// layer_types is one of these, for transformers' AutoConfig too.
#include "arch/architectures.h"

namespace qk {
namespace {

constexpr std::string_view kModelTypes[] = {"ministral"};
constexpr KeyedType kKeyedTypes[] = {{"mistral", "layer_types"}};

}  // namespace

constexpr Architecture kMinistral = {
    .name = "ministral",
    .title = "Ministral",
    .model_types = kModelTypes,
    .keyed_types = kKeyedTypes,
    .head_dim = HeadDimRule::kRequired,
    .block = {.qkv_bias = BiasRule::kNever,
              .o_bias = BiasRule::kNever,
              .mlp_bias = BiasRule::kNever,
              .window = WindowRule::kByLayerType,
              .window_required = true,
              .layer_types = LayerTypeRule::kAllSliding},
    .defaults = {.intermediate_size = 14336,
                 .num_key_value_heads = 8,
                 .max_position_embeddings = 131072,
                 .sliding_window = 4096},
};

}  // namespace qk
