#include "random/python_rng.h"

#include <bit>
#include <numeric>
#include <unordered_set>

#include "base/error.h"

namespace qk {
namespace {

// The largest population that Python copies into a list to draw k from: beyond it a set of the
// numbers drawn is the smaller of the two.
int64_t largest_pool(int64_t k) {
  if (k <= 5) return 21;
  int64_t table = 1;
  while (table / 3 < k) table *= 4;  // the first power of 4 that is not below 3k
  return 21 + table;
}

}  // namespace

uint64_t PythonRandom::getrandbits(int k) {
  QK_CHECK(k <= 64);
  uint64_t out = 0;
  int shift = 0;
  for (const uint32_t word : getrandbits_words(k)) {
    out |= uint64_t{word} << shift;
    shift += 32;
  }
  return out;
}

std::vector<uint32_t> PythonRandom::getrandbits_words(int k) {
  QK_CHECK(k >= 0);
  std::vector<uint32_t> out;
  for (; k >= 32; k -= 32) out.push_back(engine_.next());
  if (k > 0) out.push_back(engine_.next() >> (32 - k));
  return out;
}

uint64_t PythonRandom::randbelow(uint64_t n) {
  if (n == 0) return 0;
  const int bits = std::bit_width(n);
  uint64_t drawn = getrandbits(bits);
  while (drawn >= n) drawn = getrandbits(bits);
  return drawn;
}

std::vector<int64_t> PythonRandom::sample(int64_t n, int64_t k) {
  QK_CHECK(0 <= k && k <= n);
  return n <= largest_pool(k) ? sample_from_pool(n, k) : sample_by_rejection(n, k);
}

std::vector<int64_t> PythonRandom::sample_from_pool(int64_t n, int64_t k) {
  std::vector<int64_t> pool(static_cast<size_t>(n));
  std::iota(pool.begin(), pool.end(), int64_t{0});
  std::vector<int64_t> out;
  for (int64_t i = 0; i < k; ++i) {
    const uint64_t j = randbelow(static_cast<uint64_t>(n - i));
    out.push_back(pool[j]);
    pool[j] = pool[static_cast<size_t>(n - i - 1)];
  }
  return out;
}

std::vector<int64_t> PythonRandom::sample_by_rejection(int64_t n, int64_t k) {
  std::unordered_set<int64_t> taken;
  std::vector<int64_t> out;
  while (out.size() < static_cast<size_t>(k)) {
    const auto j = static_cast<int64_t>(randbelow(static_cast<uint64_t>(n)));
    if (taken.insert(j).second) out.push_back(j);
  }
  return out;
}

}  // namespace qk
