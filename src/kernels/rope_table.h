// Cosines and sines of rotary embedding at the positions first, first + 1, ...:
//   cos[r][i] = attention_factor * cos(float32(first + r) * frequencies[i]), likewise sin
// The angle is rounded to float32 first, as the reference does (at position 131,071 this is worth
// 5e-3 radians); its cosine is taken in double and rounded: the same on every machine.
//   frequencies  [rotary_dim / 2] radians per position
//   cos, sin     [rows, rotary_dim / 2]
#pragma once

#include <cstdint>
#include <span>

#include "base/tensor.h"
#include "kernels/context.h"

namespace qk {

// One version for ref and cpu: the definition leaves nothing to approximate.
void rope_table_host(Context& context, std::span<const float> frequencies, float attention_factor,
                     int64_t first, MatrixView cos, MatrixView sin);

}  // namespace qk
