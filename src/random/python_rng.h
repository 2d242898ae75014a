// The random numbers of Python's random.Random(seed) with an integer seed, bit for bit.
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "random/mt19937.h"
#include "random/seed_words.h"

namespace qk {

class PythonRandom {
 public:
  // The sign of a seed does not matter, as in Python.
  explicit PythonRandom(const SeedWords& seed) : engine_(seed.magnitude) {}
  explicit PythonRandom(int64_t seed) : PythonRandom(seed_words(seed)) {}
  // From decimal digits of any number (up to 4300). Throws Error if the text is not a whole number.
  explicit PythonRandom(std::string_view seed) : PythonRandom(seed_words(seed)) {}

  // random.getrandbits(k). REQUIRES: 0 <= k <= 64.
  uint64_t getrandbits(int k);
  // The same for any k >= 0: 32-bit words, least significant first, the last one partial.
  std::vector<uint32_t> getrandbits_words(int k);
  // random._randbelow(n), which randrange(n) and sample use: uniform in [0, n); 0 if n is 0.
  uint64_t randbelow(uint64_t n);
  // random.sample(range(n), k), in the order drawn. REQUIRES: 0 <= k <= n.
  std::vector<int64_t> sample(int64_t n, int64_t k);

 private:
  std::vector<int64_t> sample_from_pool(int64_t n, int64_t k);
  std::vector<int64_t> sample_by_rejection(int64_t n, int64_t k);

  Mt19937 engine_;
};

}  // namespace qk
