// Gemma 3, text models and the decoder of the multimodal ones.
#include "arch/architectures.h"

namespace qk {
namespace {

constexpr std::string_view kModelTypes[] = {"gemma3_text"};
constexpr Wrapper kWrappers[] = {{"gemma3"}};
constexpr TensorName kNames[] = {
    {Role::kPostAttentionNorm, "post_attention_layernorm", "post_attention_norm"},
    {Role::kPreMlpNorm, "pre_feedforward_layernorm", "ffn_norm"},
    {Role::kPostMlpNorm, "post_feedforward_layernorm", "post_ffw_norm"}};

}  // namespace

constexpr Architecture kGemma3 = {
    .name = "gemma3",
    .title = "Gemma 3",
    .model_types = kModelTypes,
    .wrappers = kWrappers,
    .activation_key = "hidden_activation",
    .head_dim = HeadDimRule::kNotNull,
    .null_key_value_heads = false,
    .gguf_arch = "gemma3",
    .gguf_norms_plus_one = true,
    .gguf_hidden_scale_layers = 62,
    .block = {.norm = NormKind::kRmsPlusOne,
              .sandwich_norms = true,
              .qk_norm = true,
              .mlp_bias = BiasRule::kNever,
              .rope_by_layer_type = true,
              .embedding_times_sqrt_hidden = true,
              .softmax_scale_key = "query_pre_attn_scalar",
              .window = WindowRule::kByLayerType,
              .window_required = true,
              .layer_types = LayerTypeRule::kPattern,
              .may_be_bidirectional = true},
    .defaults = {.vocab_size = 262208,
                 .hidden_size = 2304,
                 .intermediate_size = 9216,
                 .num_hidden_layers = 26,
                 .num_attention_heads = 8,
                 .num_key_value_heads = 4,
                 .head_dim = 256,
                 .max_position_embeddings = 131072,
                 .hidden_act = "gelu_pytorch_tanh",
                 .rope_theta = 1e6,
                 .tie_word_embeddings = true,
                 .softmax_scale_value = 256,
                 .sliding_window = 4096},
    .names = kNames,
};

}  // namespace qk
