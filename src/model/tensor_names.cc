#include <array>

#include "base/error.h"
#include "model/architecture.h"

namespace qk {
namespace {

constexpr std::array<TensorName, 15> kLlamaNames = {{
    {Role::kEmbedding, "embed_tokens", "token_embd"},
    {Role::kInputNorm, "input_layernorm", "attn_norm"},
    {Role::kPostAttentionNorm, "", "post_attention_norm"},
    {Role::kPreMlpNorm, "post_attention_layernorm", "ffn_norm"},
    {Role::kPostMlpNorm, "", "post_ffw_norm"},
    {Role::kQNorm, "self_attn.q_norm", "attn_q_norm"},
    {Role::kKNorm, "self_attn.k_norm", "attn_k_norm"},
    {Role::kQProj, "self_attn.q_proj", "attn_q"},
    {Role::kKProj, "self_attn.k_proj", "attn_k"},
    {Role::kVProj, "self_attn.v_proj", "attn_v"},
    {Role::kOProj, "self_attn.o_proj", "attn_output"},
    {Role::kGateProj, "mlp.gate_proj", "ffn_gate"},
    {Role::kUpProj, "mlp.up_proj", "ffn_up"},
    {Role::kGateUpProj, "mlp.gate_up_proj", "ffn_up"},
    {Role::kDownProj, "mlp.down_proj", "ffn_down"},
}};

// Vision and audio parts of multimodal files, and the heads of embedding and ranking models.
constexpr std::string_view kGgufBeside[] = {"v.", "a.", "mm.", "cls.", "dense_2.", "dense_3."};

}  // namespace

bool gguf_is_beside_decoder(std::string_view name) {
  for (const std::string_view start : kGgufBeside) {
    if (name.starts_with(start)) return true;
  }
  return name == "output.weight" || name == "output.bias" || name == "output_norm.weight" ||
         name == "rope_freqs.weight";
}

TensorName tensor_name(const Architecture& architecture, Role role) {
  for (const TensorName& name : architecture.names) {
    if (name.role == role) return name;
  }
  for (const TensorName& name : kLlamaNames) {
    if (name.role == role) return name;
  }
  QK_CHECK(!"every role has a name");
  return {};
}

}  // namespace qk
