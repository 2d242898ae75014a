// Which positions of a document are captured in one layer and kind: one mask per (document, layer,
// kind), shared by all heads, the same as the original tool's bit for bit.
//
// Position i is taken if the i-th number that torch draws from the mask's seed is below
//   uniform      min(1, base_rate / min_bucket_size)
//   log_uniform  min(1, base_rate / 2^bucket)
// in float32, so that base_rate is the number of rows expected per bucket (the lowest bucket of
// log_uniform, which covers nearly twice as many positions, gives about twice as many). `all`
// takes every position.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "journal/capture_block.h"
#include "sampling/buckets.h"

namespace qk {

// The mask's seed, mixed from the full 64-bit id, the layer and the kind.
uint64_t position_seed(int64_t example_id, int64_t layer, Kind kind);

class PositionSampler {
 public:
  // REQUIRES: base_rate is a number; 1 <= min_bucket_size <= 2^62.
  PositionSampler(SamplerType type, double base_rate, int64_t min_bucket_size);

  // Of a document with tokens at positions 0 .. num_tokens - 1: the taken positions, ascending.
  std::vector<int32_t> select(int64_t num_tokens, uint64_t seed) const;
  // Of tokens at any positions: the indexes into `positions` that are taken, ascending.
  std::vector<int32_t> select(std::span<const int32_t> positions, uint64_t seed) const;

  // How often select() takes a position, on average over seeds.
  double expected_share(int64_t position) const;
  // Rows that select() takes of a document with num_tokens tokens, on average over seeds.
  double expected_rows(int64_t num_tokens) const;

 private:
  float probability(int64_t position) const;

  SamplerType type_;
  Buckets buckets_;
  std::array<float, 64> probabilities_{};  // by bucket of log_uniform; by 0 of uniform
};

}  // namespace qk
