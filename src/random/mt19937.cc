#include "random/mt19937.h"

#include <algorithm>

#include "base/error.h"

namespace qk {
namespace {

constexpr size_t kN = Mt19937::kWords;
constexpr size_t kShift = 397;

constexpr uint32_t twist(uint32_t upper, uint32_t lower) {
  const uint32_t y = (upper & 0x80000000U) | (lower & 0x7FFFFFFFU);
  return (y >> 1) ^ ((y & 1U) * 0x9908B0DFU);
}

constexpr uint32_t temper(uint32_t y) {
  y ^= y >> 11;
  y ^= (y << 7) & 0x9D2C5680U;
  y ^= (y << 15) & 0xEFC60000U;
  return y ^ (y >> 18);
}

constexpr uint32_t scramble(uint32_t previous) { return previous ^ (previous >> 30); }

}  // namespace

Mt19937::Mt19937(uint32_t seed) {
  state_[0] = seed;
  for (uint32_t j = 1; j < kN; ++j) state_[j] = 1812433253U * scramble(state_[j - 1]) + j;
}

Mt19937::Mt19937(std::span<const uint32_t> key) : Mt19937(uint32_t{19650218}) {
  QK_CHECK(!key.empty());
  uint32_t i = 1;
  const auto advance = [&] {
    if (++i < kN) return;
    state_[0] = state_[kN - 1];
    i = 1;
  };
  size_t j = 0;
  for (size_t round = std::max(kN, key.size()); round > 0; --round) {
    state_[i] =
        (state_[i] ^ (scramble(state_[i - 1]) * 1664525U)) + key[j] + static_cast<uint32_t>(j);
    advance();
    if (++j == key.size()) j = 0;
  }
  for (size_t round = kN - 1; round > 0; --round) {
    state_[i] = (state_[i] ^ (scramble(state_[i - 1]) * 1566083941U)) - i;
    advance();
  }
  state_[0] = 0x80000000U;
}

void Mt19937::fill(std::span<uint32_t> out) {
  while (!out.empty()) {
    if (used_ == kN) refill();
    const size_t n = std::min(out.size(), kN - used_);
    std::copy_n(output_.begin() + static_cast<ptrdiff_t>(used_), n, out.begin());
    used_ += n;
    out = out.subspan(n);
  }
}

// Every loop reads words at a fixed distance, never one that it has just written, so that the
// compiler can take several at a time.
void Mt19937::refill() {
  uint32_t* s = state_.data();
  for (size_t k = 0; k < kN - kShift; ++k) s[k] = s[k + kShift] ^ twist(s[k], s[k + 1]);
  for (size_t k = kN - kShift; k < kN - 1; ++k) {
    s[k] = s[k + kShift - kN] ^ twist(s[k], s[k + 1]);
  }
  s[kN - 1] = s[kShift - 1] ^ twist(s[kN - 1], s[0]);
  for (size_t k = 0; k < kN; ++k) output_[k] = temper(s[k]);
  used_ = 0;
}

}  // namespace qk
