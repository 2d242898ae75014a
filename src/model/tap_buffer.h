// Collects the requested rows and heads of one layer and site while chunks of tokens pass by.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/bound_model.h"
#include "model/buffer.h"
#include "model/forward.h"

namespace qk {

class TapBuffer {
 public:
  TapBuffer() = default;  // wants nothing
  // model, rows, heads (the request) outlive this.
  TapBuffer(const BoundModel& model, int layer, Site site, std::span<const int32_t> rows,
            std::span<const int32_t> heads);

  // Copies what is wanted out of x [source_rows.size(), heads, head_dim], whose rows are these
  // tokens of the batch (ascending). x holds all heads of the layer, or, with chosen_heads, exactly
  // those of the request.
  // Throws NotFinite if a number is not finite.
  void take(TensorView<const float, 3> x, std::span<const int32_t> source_rows,
            const Sequences& sequences, bool chosen_heads = false);

  // Calls the tap if anything was wanted. REQUIRES: all rows were taken.
  void emit(const Tap& tap) const;

 private:
  TensorView<float, 3> values() const;

  const BoundModel* model_ = nullptr;
  int layer_ = 0;
  Site site_ = Site::kQueryPreRope;
  std::span<const int32_t> rows_, heads_;
  Buffer values_;      // [rows, heads, head_dim] of the host
  int64_t taken_ = 0;  // rows
};

}  // namespace qk
