// Ministral-3 3B, 8B, 14B: Mistral with queries that grow with the position.
#include "arch/architectures.h"

namespace qk {
namespace {

constexpr std::string_view kModelTypes[] = {"ministral3"};
constexpr Wrapper kWrappers[] = {{"mistral3", /*is_default=*/false}};

}  // namespace

constexpr Architecture kMinistral3 = {
    .name = "ministral3",
    .title = "Ministral 3",
    .model_types = kModelTypes,
    .wrappers = kWrappers,
    .gguf_arch = "mistral3",
    .gguf_permuted_qk = true,
    .gguf_rope_freqs = true,
    .gguf_yarn_keys = true,
    .block = {.qkv_bias = BiasRule::kNever,
              .o_bias = BiasRule::kNever,
              .mlp_bias = BiasRule::kNever,
              .query_position_scale = true,
              .window = WindowRule::kAllLayers},
    .defaults = {.vocab_size = 131072,
                 .intermediate_size = 14336,
                 .num_hidden_layers = 34,
                 .num_key_value_heads = 8,
                 .head_dim = 128,
                 .max_position_embeddings = 262144,
                 .rms_norm_eps = 1e-5,
                 .rope_parameters =
                     R"({"rope_type": "yarn", "rope_theta": 1000000.0, "factor": 16.0,
                         "original_max_position_embeddings": 16384, "beta_fast": 32.0,
                         "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0,
                         "llama_4_scaling_beta": 0.1})"},
};

}  // namespace qk
