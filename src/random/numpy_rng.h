// The random numbers of numpy.random.default_rng(seed): SeedSequence, PCG64 and the Generator's
// methods, bit for bit. Threads: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "random/seed_words.h"

namespace qk {

class NumpyGenerator {
 public:
  __extension__ using Uint128 = unsigned __int128;

  // Throws Error if the seed is negative.
  explicit NumpyGenerator(const SeedWords& seed);
  explicit NumpyGenerator(int64_t seed) : NumpyGenerator(seed_words(seed)) {}
  // From decimal digits of any number (up to 4300). Throws Error if the text is not a whole number.
  explicit NumpyGenerator(std::string_view seed) : NumpyGenerator(seed_words(seed)) {}

  uint64_t next64();
  // Half of a 64-bit draw, the low one first; the other half waits for the next call, also across
  // calls of next64() and random().
  uint32_t next32();
  // random(): a double in [0, 1), a multiple of 2^-53.
  double random();
  // Uniform in [0, max], both ends included. 0 draws nothing.
  uint64_t bounded(uint64_t max);
  // integers(high): uniform in [0, high). REQUIRES: high >= 1.
  int64_t integers(int64_t high);

  // choice(n, size=k, replace=False), in numpy's order. REQUIRES: 0 <= k <= n.
  std::vector<int64_t> choice(int64_t n, int64_t k);
  // choice(n, size=2, replace=False) without allocating. REQUIRES: n >= 2.
  std::pair<int64_t, int64_t> choice_pair(int64_t n);
  // choice(n, size=k). REQUIRES: k >= 0, and n >= 1 if k > 0.
  std::vector<int64_t> choice_with_replacement(int64_t n, int64_t k);
  // choice(len(p), p=p): one index with the given probabilities. Numpy demands that they add up to
  // 1; here they are divided by their sum, as it does afterwards. REQUIRES: p is not empty, its
  // numbers are not negative, their sum is positive and finite.
  int64_t weighted_choice(std::span<const double> p);

  Uint128 state() const { return state_; }
  Uint128 increment() const { return increment_; }

 private:
  void step();
  uint32_t bounded32(uint32_t max);
  uint64_t bounded64(uint64_t max);
  void shuffle(std::vector<int64_t>& values, size_t first);
  std::vector<int64_t> choice_by_floyd(int64_t n, int64_t k);

  Uint128 state_ = 0;
  Uint128 increment_ = 0;
  bool has_half_ = false;
  uint32_t half_ = 0;
};

}  // namespace qk
