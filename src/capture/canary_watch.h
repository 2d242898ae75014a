// One pair of a document's captured vectors, copied when they leave the model: see
// dataset/canary.h.
#pragma once

#include <cstdint>
#include <vector>

#include "base/tensor.h"
#include "journal/journal.h"

namespace qk {

// A layer in which a document has both queries and keys.
struct CanaryChoice {
  int32_t layer = 0;
  std::vector<int32_t> query_heads, key_heads;          // captured ones
  std::vector<int32_t> query_positions, key_positions;  // in the order of the file
  int64_t query_heads_per_key_head = 1;
};

class CanaryWatch {
 public:
  CanaryWatch() = default;  // watches nothing
  // Chooses heads and rows by the document's number.
  CanaryWatch(int64_t document, const CanaryChoice& choice);

  int32_t layer() const { return canary_.layer; }
  // rows [n, heads, head_dim]: the document's own rows of the layer and kind, ascending positions.
  void take(Kind kind, TensorView<const float, 3> rows);
  // REQUIRES: both kinds were taken, or it watches nothing.
  Canary result() const;

 private:
  struct Side {
    int64_t row = 0;       // in order of position
    int64_t head_idx = 0;  // of the captured heads
    std::vector<float> vector;
  };
  Side& side(Kind kind) { return kind == Kind::kQuery ? query_ : key_; }
  Canary canary_;
  Side query_, key_;
};

// Which of `count` things a document takes for its canary; `purpose` makes choices independent.
int64_t canary_choice(int64_t document, int purpose, int64_t count);

}  // namespace qk
