#include "random/numpy_rng.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

using Uint128 = NumpyGenerator::Uint128;

constexpr Uint128 kMultiplier = Uint128{2549297995355413924U} << 64 | 4865540595714422341U;

// Entropy spread over a pool of four words, from which the generator's state is made.
class SeedPool {
 public:
  explicit SeedPool(std::span<const uint32_t> entropy) {
    for (size_t i = 0; i < pool_.size(); ++i) {
      pool_[i] = hash(i < entropy.size() ? entropy[i] : 0);
    }
    for (size_t from = 0; from < pool_.size(); ++from) {
      for (size_t to = 0; to < pool_.size(); ++to) {
        if (from != to) pool_[to] = mix(pool_[to], hash(pool_[from]));
      }
    }
    for (size_t i = pool_.size(); i < entropy.size(); ++i) {
      for (uint32_t& word : pool_) word = mix(word, hash(entropy[i]));
    }
  }

  // Four 64-bit words, the low half of each first.
  std::array<uint64_t, 4> generate() const {
    std::array<uint64_t, 4> out{};
    uint32_t factor = 0x8B51F9DDU;
    for (size_t i = 0; i < 2 * out.size(); ++i) {
      uint32_t word = pool_[i % pool_.size()] ^ factor;
      factor *= 0x58F38DEDU;
      word *= factor;
      word ^= word >> 16;
      out[i / 2] |= uint64_t{word} << (i % 2 * 32);
    }
    return out;
  }

 private:
  uint32_t hash(uint32_t word) {
    word ^= factor_;
    factor_ *= 0x931E8875U;
    word *= factor_;
    return word ^ (word >> 16);
  }
  static uint32_t mix(uint32_t x, uint32_t y) {
    const uint32_t word = 0xCA01F9DDU * x - 0x4973F715U * y;
    return word ^ (word >> 16);
  }

  std::array<uint32_t, 4> pool_{};
  uint32_t factor_ = 0x43B0D7E5U;
};

}  // namespace

NumpyGenerator::NumpyGenerator(const SeedWords& seed) {
  if (seed.negative) fail("seed: expected a number that is not negative, found a negative one");
  const std::array<uint64_t, 4> words = SeedPool(seed.magnitude).generate();
  const Uint128 start = Uint128{words[0]} << 64 | words[1];
  const Uint128 sequence = Uint128{words[2]} << 64 | words[3];
  increment_ = sequence << 1 | 1;
  step();
  state_ += start;
  step();
}

void NumpyGenerator::step() { state_ = state_ * kMultiplier + increment_; }

uint64_t NumpyGenerator::next64() {
  step();
  const auto folded = static_cast<uint64_t>(state_ >> 64) ^ static_cast<uint64_t>(state_);
  return std::rotr(folded, static_cast<int>(state_ >> 122));
}

uint32_t NumpyGenerator::next32() {
  if (std::exchange(has_half_, false)) return half_;
  const uint64_t word = next64();
  half_ = static_cast<uint32_t>(word >> 32);
  has_half_ = true;
  return static_cast<uint32_t>(word);
}

double NumpyGenerator::random() { return static_cast<double>(next64() >> 11) * 0x1p-53; }

uint64_t NumpyGenerator::bounded(uint64_t max) {
  if (max == 0) return 0;
  if (max <= std::numeric_limits<uint32_t>::max()) return bounded32(static_cast<uint32_t>(max));
  return bounded64(max);
}

// Lemire's method: the high half of a product is the result; a low half below 2^32 mod range would
// make some results likelier than others and is drawn again.
uint32_t NumpyGenerator::bounded32(uint32_t max) {
  if (max == std::numeric_limits<uint32_t>::max()) return next32();
  const uint32_t range = max + 1;
  uint64_t product = uint64_t{next32()} * range;
  if (static_cast<uint32_t>(product) < range) {
    const uint32_t threshold = (std::numeric_limits<uint32_t>::max() - max) % range;
    while (static_cast<uint32_t>(product) < threshold) product = uint64_t{next32()} * range;
  }
  return static_cast<uint32_t>(product >> 32);
}

uint64_t NumpyGenerator::bounded64(uint64_t max) {
  if (max == std::numeric_limits<uint64_t>::max()) return next64();
  const uint64_t range = max + 1;
  Uint128 product = Uint128{next64()} * range;
  if (static_cast<uint64_t>(product) < range) {
    const uint64_t threshold = (std::numeric_limits<uint64_t>::max() - max) % range;
    while (static_cast<uint64_t>(product) < threshold) product = Uint128{next64()} * range;
  }
  return static_cast<uint64_t>(product >> 64);
}

int64_t NumpyGenerator::integers(int64_t high) {
  QK_CHECK(high >= 1);
  return static_cast<int64_t>(bounded(static_cast<uint64_t>(high) - 1));
}

// Fisher-Yates from the back down to `first`.
void NumpyGenerator::shuffle(std::vector<int64_t>& values, size_t first) {
  for (size_t i = values.size(); i-- > first;) std::swap(values[i], values[bounded(i)]);
}

std::vector<int64_t> NumpyGenerator::choice(int64_t n, int64_t k) {
  QK_CHECK(0 <= k && k <= n);
  if (n <= 10000 || k <= n / 50) return choice_by_floyd(n, k);
  std::vector<int64_t> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), int64_t{0});
  shuffle(values, static_cast<size_t>(std::max<int64_t>(n - k, 1)));
  values.erase(values.begin(), values.begin() + (n - k));
  return values;
}

std::vector<int64_t> NumpyGenerator::choice_by_floyd(int64_t n, int64_t k) {
  std::unordered_set<int64_t> taken;
  std::vector<int64_t> out;
  for (int64_t last = n - k; last < n; ++last) {
    const auto drawn = static_cast<int64_t>(bounded(static_cast<uint64_t>(last)));
    const int64_t value = taken.insert(drawn).second ? drawn : last;
    taken.insert(value);
    out.push_back(value);
  }
  shuffle(out, 1);
  return out;
}

// Floyd's method for two: above 10,000 two are never a fiftieth, so there is no other way.
std::pair<int64_t, int64_t> NumpyGenerator::choice_pair(int64_t n) {
  QK_CHECK(n >= 2);
  const auto first = static_cast<int64_t>(bounded(static_cast<uint64_t>(n) - 2));
  auto second = static_cast<int64_t>(bounded(static_cast<uint64_t>(n) - 1));
  if (second == first) second = n - 1;
  if (bounded(1) == 0) return {second, first};
  return {first, second};
}

std::vector<int64_t> NumpyGenerator::choice_with_replacement(int64_t n, int64_t k) {
  QK_CHECK(k >= 0);
  std::vector<int64_t> out(static_cast<size_t>(k));
  for (int64_t& index : out) index = integers(n);
  return out;
}

int64_t NumpyGenerator::weighted_choice(std::span<const double> p) {
  QK_CHECK(!p.empty());
  std::vector<double> cumulative(p.size());
  std::partial_sum(p.begin(), p.end(), cumulative.begin());
  const double total = cumulative.back();
  const double drawn = random();
  for (double& sum : cumulative) sum /= total;
  const auto above = std::upper_bound(cumulative.begin(), cumulative.end(), drawn);
  return above - cumulative.begin();
}

}  // namespace qk
