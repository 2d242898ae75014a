// Rotary frequencies and the tables of cosines and sines, as Hugging Face computes them in float32.
#pragma once

#include <cstdint>
#include <vector>

#include "base/tensor.h"
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
// longrope f_i / long_factor[i] if length > original_max_position_embeddings, else /
// short_factor[i] Each step is rounded to float32 where Hugging Face's is.
//   length  tokens of the whole document; only dynamic and longrope depend on it
RopeFrequencies rope_frequencies(const RopeParameters& rope, int64_t length);

// cos[r][i] = attention_factor * cos(float32(position) * f_i), likewise sin, for positions first,
// first + 1, ... The angle is rounded to float32 first (as the reference does: at position 131,071
// this is worth 5e-3 radians), its cosine taken in double and rounded: the same on every machine.
//   cos, sin  [rows, rotary_dim / 2]
void fill_rope_table(const RopeFrequencies& frequencies, int64_t first, MatrixView cos,
                     MatrixView sin);

}  // namespace qk
