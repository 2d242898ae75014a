// How many vectors have a positive product with another vector: the sum in which the method
// `counted` spends its time. float32; SIMD is chosen at run time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace qk {

// Vectors side by side, component by component, in blocks of this many.
inline constexpr int64_t kFloatBlockWidth = 32;

// [blocks][depth][kFloatBlockWidth]; the last block is padded with zeros.
class FloatBlocks {
 public:
  // `vectors` [count, depth], one after another.
  FloatBlocks(std::span<const float> vectors, int64_t depth);

  int64_t count() const { return count_; }
  int64_t depth() const { return depth_; }
  int64_t blocks() const { return (count_ + kFloatBlockWidth - 1) / kFloatBlockWidth; }
  const float* block(int64_t index) const {
    return values_.data() + index * depth_ * kFloatBlockWidth;
  }

 private:
  int64_t count_;
  int64_t depth_;
  std::vector<float> values_;
};

// For every lane: positive[lane] += the number of rows x with x . block[.][lane] > 0, and
// zero[lane] += the number with a product of exactly 0.
//   rows            [num_rows, depth]
//   block           [depth, kFloatBlockWidth]
//   positive, zero  [kFloatBlockWidth]; exact below 2^24
void count_preferences(const float* rows, int64_t num_rows, int64_t depth, const float* block,
                       float* positive, float* zero);

}  // namespace qk
