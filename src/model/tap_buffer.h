// Collects the requested rows and heads of one layer and site while chunks of tokens pass by.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/float_buffer.h"
#include "model/forward.h"

namespace qk {

class TapBuffer {
 public:
  TapBuffer() = default;  // wants nothing
  // rows, heads: the request; both outlive this.
  TapBuffer(int layer, Site site, std::span<const int32_t> rows, std::span<const int32_t> heads,
            int64_t head_dim);

  // Copies what is wanted out of x [source_rows.size(), heads, head_dim], whose rows are these
  // tokens of the batch (ascending). x holds all heads of the layer, or, with chosen_heads, exactly
  // those of the request.
  // Throws Error if a number is not finite, naming layer, sequence and token.
  void take(TensorView<const float, 3> x, std::span<const int32_t> source_rows,
            const Sequences& sequences, bool chosen_heads = false);

  // Calls the tap if anything was wanted. REQUIRES: all rows were taken.
  void emit(const Tap& tap) const;

 private:
  int layer_ = 0;
  Site site_ = Site::kQueryPreRope;
  std::span<const int32_t> rows_, heads_;
  int64_t head_dim_ = 0;
  FloatBuffer values_;  // [rows, heads, head_dim]
  int64_t taken_ = 0;   // rows
};

}  // namespace qk
