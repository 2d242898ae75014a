// GLM-4-0414: GLM with a norm on each branch's output.
#include "arch/architectures.h"

namespace qk {
namespace {

constexpr std::string_view kModelTypes[] = {"glm4"};
constexpr TensorName kNames[] = {
    {Role::kPostAttentionNorm, "post_self_attn_layernorm", "post_attention_norm"},
    {Role::kPostMlpNorm, "post_mlp_layernorm", "post_ffw_norm"}};

}  // namespace

constexpr Architecture kGlm4 = {
    .name = "glm4",
    .title = "GLM-4-0414",
    .model_types = kModelTypes,
    .head_dim = HeadDimRule::kNotNull,
    .null_key_value_heads = false,
    .gguf_arch = "glm4",
    .gguf_nextn_layers = true,
    .block = {.sandwich_norms = true,
              .o_bias = BiasRule::kNever,
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
    .names = kNames,
};

}  // namespace qk
