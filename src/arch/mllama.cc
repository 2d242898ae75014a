// Llama 3.2 Vision, on text alone: its cross-attention layers do nothing without an image.
#include "arch/architectures.h"

namespace qk {
namespace {

constexpr std::string_view kModelTypes[] = {"mllama_text_model"};
constexpr Wrapper kWrappers[] = {{"mllama"}};

}  // namespace

constexpr Architecture kMllama = {
    .name = "mllama",
    .title = "Llama 3.2 Vision",
    .model_types = kModelTypes,
    .wrappers = kWrappers,
    .head_dim = HeadDimRule::kDerived,
    .null_key_value_heads = false,
    .block = {.qkv_bias = BiasRule::kNever,
              .o_bias = BiasRule::kNever,
              .mlp_bias = BiasRule::kNever,
              .extra_embedding_rows = 8,
              .skipped_layers_key = "cross_attention_layers"},
    .defaults = {.vocab_size = 128256,
                 .intermediate_size = 14336,
                 .num_hidden_layers = 40,
                 .num_key_value_heads = 8,
                 .max_position_embeddings = 131072,
                 .rms_norm_eps = 1e-5,
                 .rope_theta = 5e5,
                 .skipped_layers = "[3, 8, 13, 18, 23, 28, 33, 38]"},
};

}  // namespace qk
