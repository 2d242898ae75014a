// Products of many rows with many vectors in float32, and what is made of them on the spot: the sums
// in which the method `counted` and the error bars spend their time. SIMD is chosen at run time;
// results differ between machines in the last bits only.
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

// out[r][lane] = rows[r] . block[.][lane].
//   out  [num_rows, kFloatBlockWidth]
void multiply_float_block(const float* rows, int64_t num_rows, int64_t depth, const float* block,
                          float* out);

// For every lane, with s = x . block[.][lane] of each row x: sums[lane] += weight * s, and
// squares[lane] += weight * s^2, both added up in float64.
//   weights        [num_rows]
//   sums, squares  [kFloatBlockWidth]
void add_score_powers(const float* rows, std::span<const double> weights, int64_t depth,
                      const float* block, double* sums, double* squares);

}  // namespace qk
