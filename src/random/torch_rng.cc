#include "random/torch_rng.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace qk {

void TorchGenerator::rand(std::span<float> out) {
  constexpr float kUnit = 0x1p-24F;
  std::array<uint32_t, Mt19937::kWords> words;
  while (!out.empty()) {
    const size_t n = std::min(out.size(), words.size());
    engine_.fill(std::span(words).first(n));
    for (size_t i = 0; i < n; ++i) {
      out[i] = static_cast<float>(static_cast<int32_t>(words[i] & 0xFFFFFFU)) * kUnit;
    }
    out = out.subspan(n);
  }
}

std::vector<int64_t> TorchGenerator::randperm(int64_t n) {
  return n < kLargePermutation ? randperm_by_swaps(n) : randperm_by_insertion(n);
}

std::vector<int64_t> TorchGenerator::randperm_by_swaps(int64_t n) {
  QK_CHECK(n >= 0);
  std::vector<int64_t> out(static_cast<size_t>(n));
  std::iota(out.begin(), out.end(), int64_t{0});
  for (size_t i = 0; i + 1 < out.size(); ++i) {
    std::swap(out[i], out[i + engine_.next() % (out.size() - i)]);
  }
  return out;
}

std::vector<int64_t> TorchGenerator::randperm_by_insertion(int64_t n) {
  QK_CHECK(n >= 0);
  std::vector<int64_t> out(static_cast<size_t>(n));
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t z = next64() % (i + 1);
    out[i] = out[z];
    out[z] = static_cast<int64_t>(i);
  }
  return out;
}

uint64_t TorchGenerator::next64() {
  const uint64_t high = engine_.next();
  return high << 32 | engine_.next();
}

}  // namespace qk
