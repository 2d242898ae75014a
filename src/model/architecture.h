// What an architecture is, as data. Every behaviour of a decoder that we run is a field here; the
// defaults are Llama's, and a file under arch/ sets only what differs. A new behaviour is a new
// field, its line in the layer loop or in the configuration, and a test; never a comparison with a
// name.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernels/backend.h"

namespace qk {

// The weights of a decoder. Shapes [out, in]: D = head_dim, Hq and Hk = query and key/value heads.
enum class Role : uint8_t {
  kEmbedding,          // [embedding_rows, hidden_size]
  kInputNorm,          // [hidden_size] before attention
  kPostAttentionNorm,  // [hidden_size] on attention's output, with sandwich_norms
  kPreMlpNorm,         // [hidden_size] before the MLP
  kPostMlpNorm,        // [hidden_size] on the MLP's output, with sandwich_norms
  kQNorm,              // [D]
  kKNorm,              // [D]
  kQProj,              // [Hq * D, hidden_size], bias [Hq * D]
  kKProj,              // [Hk * D, hidden_size]
  kVProj,              // [Hk * D, hidden_size]
  kOProj,              // [hidden_size, Hq * D]
  kGateProj,           // [intermediate_size, hidden_size]
  kUpProj,             // [intermediate_size, hidden_size]
  kGateUpProj,         // [2 * intermediate_size, hidden_size], gate rows first, with fused_gate_up
  kDownProj,           // [hidden_size, intermediate_size]
};

// What comes between the layer's prefix ("model.layers.3.", "blk.3.") and ".weight" or ".bias".
struct TensorName {
  Role role;
  std::string_view hf;
  std::string_view gguf;
};

enum class BiasRule : uint8_t {
  kNever,
  kAlways,
  kConfigKey,  // as attention_bias (q, k, v, o) or mlp_bias (gate, up, down) says
};

enum class WindowRule : uint8_t {
  kNone,         // every layer sees all earlier tokens
  kAllLayers,    // sliding_window holds for every layer
  kByLayerType,  // sliding_window holds where layer_types says "sliding_attention"
};

// layer_types where the file does not have them: layer l is "sliding_attention" iff ...
enum class LayerTypeRule : uint8_t {
  kAllSliding,         // a window is set
  kUpperLayers,        // a window is set and l >= max_window_layers
  kPattern,            // (l + 1) mod sliding_window_pattern != 0
  kLayersWithoutRope,  // a window is set and switched on, and layer l has no rotary embedding
};

// What a decoder layer does: x [n, hidden_size] in, x out.
struct Block {
  // y = w * x * rsqrt(mean(x^2) + rms_norm_eps), or (1 + w) in place of w
  NormKind norm = NormKind::kRms;
  // Off: x += attn(norm(x)); x += mlp(norm(x)).  On: x += norm(attn(norm(x))), likewise the MLP.
  bool sandwich_norms = false;
  // q and k of each head are normalised with `norm` over head_dim, after the bias, before RoPE
  bool qk_norm = false;
  BiasRule qkv_bias = BiasRule::kConfigKey;
  BiasRule o_bias = BiasRule::kConfigKey;
  BiasRule mlp_bias = BiasRule::kConfigKey;
  // down(act(gate(x)) * up(x)), gate and up from one matrix
  bool fused_gate_up = false;

  RopeLayout rope_layout = RopeLayout::kHalves;
  // rope type "default" rotates int(head_dim * partial_rotary_factor) components, others all
  bool partial_rotary = false;
  // one set of rope parameters per layer type
  bool rope_by_layer_type = false;
  // layer l has no rotary embedding where no_rope_layers[l] == 0
  // (absent: where (l + 1) mod no_rope_layer_interval == 0)
  bool no_rope_layers = false;
  // after RoPE q *= 1 + llama_4_scaling_beta * ln(1 + floor(p / original_max_position_embeddings))
  bool query_position_scale = false;

  // embedding row times sqrt(hidden_size)
  bool embedding_times_sqrt_hidden = false;
  // rows of the embedding beyond vocab_size
  int64_t extra_embedding_rows = 0;
  // softmax(q.k * s): s = key^(-1/2) with this key of the configuration; empty: head_dim^(-1/2)
  std::string_view softmax_scale_key = {};

  WindowRule window = WindowRule::kNone;
  // the window may not be null, even if no layer has one
  bool window_required = false;
  // Unless this key is true, no layer has a window; with kLayersWithoutRope the layers keep it and
  // only the recorded window is dropped.
  std::string_view window_switch_key = {};
  LayerTypeRule layer_types = LayerTypeRule::kAllSliding;
  // use_bidirectional_attention is read: all keys are visible, the window w becomes w / 2 + 1
  bool may_be_bidirectional = false;
  // layers in this list of the configuration are skipped as a whole; empty: none
  std::string_view skipped_layers_key = {};
};

// Values of configuration keys that are absent from the file.
struct ConfigDefaults {
  int64_t vocab_size = 32000, hidden_size = 4096, intermediate_size = 11008;
  int64_t num_hidden_layers = 32, num_attention_heads = 32;
  int64_t num_key_value_heads = 0;  // 0: num_attention_heads
  int64_t head_dim = 0;             // 0: hidden_size / num_attention_heads
  int64_t max_position_embeddings = 2048;
  double rms_norm_eps = 1e-6;
  std::string_view hidden_act = "silu";
  double rope_theta = 10000.0;
  double sliding_rope_theta = 10000.0;  // with rope_by_layer_type: of the sliding layers
  double partial_rotary_factor = 1.0;
  std::string_view rope_parameters = {};  // JSON, when the file has no rope object at all
  bool attention_bias = false;
  bool tie_word_embeddings = false;
  double softmax_scale_value = 0;  // of softmax_scale_key
  int64_t sliding_window = 0;      // 0: null
  int64_t max_window_layers = 28, sliding_window_pattern = 6, no_rope_layer_interval = 4;
  std::string_view skipped_layers = "[]";  // JSON
};

// A multimodal model_type whose decoder is described by the nested object text_config.
struct Wrapper {
  std::string_view model_type;
  // Architecture of text_config when it names no model_type of its own; empty: this one.
  bool is_default = true;
};

// Another architecture's model_type that means this one where the top of config.json has the key.
struct KeyedType {
  std::string_view model_type;
  std::string_view key;
};

// head_dim of config.json. Where there is none it is hidden_size / num_attention_heads.
enum class HeadDimRule : uint8_t {
  kMayBeNull,  // the key; null counts as absent
  kNotNull,    // the key, or the class's default; null is refused
  kRequired,   // the key
  kDerived,    // always hidden_size / num_attention_heads, and no other value is accepted
};

struct Architecture {
  std::string_view name;        // in messages and in ModelConfig::architecture
  std::string_view title = {};  // as people write it, "Llama"
  // of config.json, at the top or in text_config
  std::span<const std::string_view> model_types = {};
  std::span<const KeyedType> keyed_types = {};
  std::span<const Wrapper> wrappers = {};
  std::string_view activation_key = "hidden_act";
  HeadDimRule head_dim = HeadDimRule::kMayBeNull;
  bool null_key_value_heads = true;  // num_key_value_heads: null means num_attention_heads

  std::string_view gguf_arch = {};   // general.architecture; empty: no GGUF of it exists
  bool gguf_permuted_qk = false;     // rows of q and k are stored in interleaved order
  bool gguf_norms_plus_one = false;  // norm weights are stored with 1 added
  bool gguf_nextn_layers = false;    // layers that predict further tokens may come last
  bool gguf_rope_freqs = false;      // rope_freqs.weight may divide the frequencies
  bool gguf_yarn_keys = false;       // rope.scaling.yarn_* are read; else YaRN has its defaults
  // GGUF has no key for softmax_scale_key: it is head_dim, but hidden_size / num_attention_heads in
  // models with this number of layers. 0: in no model.
  int64_t gguf_hidden_scale_layers = 0;

  Block block = {};
  ConfigDefaults defaults = {};
  std::span<const TensorName> names = {};  // only those that differ from Llama's
};

// The name of a role: the architecture's own, else Llama's.
TensorName tensor_name(const Architecture& architecture, Role role);

// Of a GGUF tensor that belongs to no layer and that queries and keys do not depend on (or that is
// read apart: rope_freqs.weight).
bool gguf_is_beside_decoder(std::string_view name);

}  // namespace qk
