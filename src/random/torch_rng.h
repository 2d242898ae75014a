// The random numbers of torch's CPU generator: torch.Generator().manual_seed(seed), torch.rand and
// torch.randperm, bit for bit. Threads: one at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "random/mt19937.h"

namespace qk {

class TorchGenerator {
 public:
  // Only the low 32 bits reach the engine, as in torch. Negative seeds: their two's complement.
  explicit TorchGenerator(uint64_t seed) : engine_(static_cast<uint32_t>(seed)) {}

  // torch.rand(out.size(), dtype=float32): the next uniform numbers in [0, 1), multiples of 2^-24.
  void rand(std::span<float> out);

  // torch.randperm(n): a permutation of 0 .. n-1. From kLargePermutation on torch takes another
  // algorithm, and so does this. REQUIRES: n >= 0.
  std::vector<int64_t> randperm(int64_t n);
  static constexpr int64_t kLargePermutation = 214'748'364;

  // The two algorithms, for any n: swaps from the front on, one 32-bit word each; and insertion
  // from the front on, two words each.
  std::vector<int64_t> randperm_by_swaps(int64_t n);
  std::vector<int64_t> randperm_by_insertion(int64_t n);

 private:
  uint64_t next64();

  Mt19937 engine_;
};

}  // namespace qk
