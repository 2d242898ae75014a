// A model's configuration, resolved: flat, in Hugging Face spelling, every default applied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/backend.h"

namespace qk {

enum class RopeType : uint8_t { kDefault, kLinear, kDynamic, kLlama3, kYarn, kLongrope };

// One set of rotary parameters (Gemma 3 has one per layer type).
struct RopeParameters {
  RopeType type = RopeType::kDefault;
  double rope_theta = 10000.0;
  int64_t rotary_dim = 0;  // the first components, which rotate
  double factor = 1.0;
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  // llama3
  int64_t original_max_position_embeddings = 0;          // llama3, yarn, longrope
  int64_t max_position_embeddings = 0;                   // dynamic
  std::optional<double> attention_factor = {}, mscale = {}, mscale_all_dim = {};  // yarn, longrope
  double beta_fast = 32.0, beta_slow = 1.0;                                       // yarn
  bool truncate = true;                                                           // yarn
  std::vector<double> short_factor = {}, long_factor = {};  // longrope [rotary_dim / 2]
  std::vector<double> divisors = {};  // GGUF rope_freqs.weight: f_i = default_i / divisors[i]

  bool operator==(const RopeParameters&) const = default;
};

struct LayerConfig {
  bool runs = true;            // false: skipped as a whole (Mllama cross-attention without images)
  int64_t sliding_window = 0;  // tokens, the query included; 0: full attention
  bool recorded_window = false;  // sliding_window is what the capture records (else null)
  int rope_idx = 0;              // into ModelConfig::rope; -1: no rotary embedding

  bool operator==(const LayerConfig&) const = default;
};

struct ModelConfig {
  std::string model_type;    // as in config.json (the decoder's, not the wrapper's)
  std::string architecture;  // Architecture::name
  int64_t vocab_size = 0, embedding_rows = 0;
  int64_t hidden_size = 0, intermediate_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_attention_heads = 0, num_key_value_heads = 0, head_dim = 0;
  int64_t max_position_embeddings = 0;  // 0: not known
  double rms_norm_eps = 1e-6;
  Activation hidden_act = Activation::kSilu;
  float embedding_scale = 1.0F;
  float softmax_scale = 1.0F;
  bool causal = true;
  bool qkv_bias = false, o_bias = false, mlp_bias = false;
  double query_scale_beta = 0.0;  // llama-4 factor 1 + beta ln(1 + floor(p / length))
  int64_t query_scale_length = 0;
  std::vector<RopeParameters> rope;
  std::vector<LayerConfig> layers;  // [num_hidden_layers]

  bool operator==(const ModelConfig&) const = default;
};

}  // namespace qk
