// Rotary frequencies as Hugging Face computes them in float32.
#pragma once

#include <cstdint>
#include <vector>

#include "model/model_config.h"

namespace qk {

struct RopeFrequencies {
  std::vector<float> values;      // [rotary_dim / 2] radians per position
  float attention_factor = 1.0F;  // multiplies cosine and sine

  bool operator==(const RopeFrequencies&) const = default;
};

// default  f_i = 1 / theta^(2i / d), d = rotary_dim; divided by divisors[i] if there are any
// linear   f_i / factor
// dynamic  default with theta' = theta (factor S / M - (factor - 1))^(d / (d - 2)),
//          S = max(length, M), M = max_position_embeddings
// llama3   long wavelengths divided by factor, short ones kept, a ramp between
// yarn     a ramp between f_i / factor and f_i; attention factor 0.1 ln(factor) + 1
// longrope f_i / long_factor[i] if length > original_max_position_embeddings,
//          else f_i / short_factor[i]
//
// Each step is rounded to float32 where Hugging Face's is.
//   length  tokens of the whole document; only dynamic and longrope depend on it
RopeFrequencies rope_frequencies(const RopeParameters& rope, int64_t length);

}  // namespace qk
