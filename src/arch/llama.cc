// Llama 2, 3, 3.1, 3.2 (text), SmolLM2 and many derivatives: the defaults of Block. From GGUF also
// Mistral models without a window, which llama.cpp writes under the same name.
#include "arch/architectures.h"

namespace qk {
namespace {

constexpr std::string_view kModelTypes[] = {"llama"};

}  // namespace

constexpr Architecture kLlama = {
    .name = "llama",
    .title = "Llama",
    .model_types = kModelTypes,
    .gguf_arch = "llama",
    .gguf_permuted_qk = true,
    .gguf_rope_freqs = true,
};

}  // namespace qk
