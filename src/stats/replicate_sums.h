// Sums over documents, each counted as often as a replicate contains it: one matrix product turns
// numbers of every document into numbers of every replicate.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stats/resample_counts.h"

namespace qk {

class ReplicateSums {
 public:
  // Of the replicates [first, last); every document has `length` numbers. `counts` must outlive it.
  ReplicateSums(const ResampleCounts& counts, int64_t first, int64_t last, int64_t length);

  // REQUIRES: numbers.size() == length.
  void add(int64_t document, std::span<const double> numbers);
  // After the last add().
  void finish() { flush(); }
  // [length] of a replicate of the range. REQUIRES: finish() was called.
  std::span<const double> of(int64_t replicate) const;

 private:
  void flush();

  const ResampleCounts& counts_;
  int64_t first_;
  int64_t last_;
  int64_t length_;
  int64_t blocks_;
  std::vector<int64_t> waiting_;  // documents whose numbers are in batch_
  std::vector<double> batch_;     // [blocks, documents at once, kBlockWidth]
  std::vector<double> sums_;      // [replicates, blocks * kBlockWidth]
};

}  // namespace qk
