// GLM-4-9B, GLM-Edge: neighbouring components rotate, in half of each head; gate and up in one.
#include "arch/architectures.h"

namespace qk {
namespace {

constexpr std::string_view kModelTypes[] = {"glm"};

}  // namespace

constexpr Architecture kGlm = {
    .name = "glm",
    .title = "GLM",
    .model_types = kModelTypes,
    .head_dim = HeadDimRule::kNotNull,
    .null_key_value_heads = false,
    .block = {.o_bias = BiasRule::kNever,
              .mlp_bias = BiasRule::kNever,
              .fused_gate_up = true,
              .rope_layout = RopeLayout::kPairs,
              .partial_rotary = true},
    .defaults = {.vocab_size = 151552,
                 .intermediate_size = 13696,
                 .num_hidden_layers = 40,
                 .num_key_value_heads = 2,
                 .head_dim = 128,
                 .max_position_embeddings = 131072,
                 .rms_norm_eps = 1.5625e-7,
                 .partial_rotary_factor = 0.5,
                 .attention_bias = true},
};

}  // namespace qk
