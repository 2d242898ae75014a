#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "random/torch_rng.h"

namespace qk {
namespace {

// The finaliser of SplitMix64.
uint64_t avalanche(uint64_t v) {
  v ^= v >> 30;
  v *= 0xBF58476D1CE4E5B9U;
  v ^= v >> 27;
  v *= 0x94D049BB133111EBU;
  return v ^ (v >> 31);
}

uint64_t fold(uint64_t seed, uint64_t v) {
  const uint64_t t = (seed ^ avalanche(v)) * 0x9E3779B97F4A7C15U;
  return t ^ (t >> 32);
}

// Indexes i in [0, n) whose draw is below probability(i).
template <typename Probability>
std::vector<int32_t> draw(int64_t n, uint64_t seed, const Probability& probability) {
  constexpr int64_t kBlock = 2048;
  std::vector<int32_t> taken;
  std::array<float, kBlock> draws{};
  TorchGenerator generator(seed);
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const auto count = static_cast<size_t>(std::min(kBlock, n - begin));
    generator.rand(std::span(draws).first(count));
    for (size_t i = 0; i < count; ++i) {
      const int64_t index = begin + static_cast<int64_t>(i);
      if (draws[i] < probability(index)) taken.push_back(static_cast<int32_t>(index));
    }
  }
  taken.shrink_to_fit();  // it is kept for the length of a batch
  return taken;
}

std::vector<int32_t> everything(int64_t n) {
  std::vector<int32_t> all(static_cast<size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace

uint64_t position_seed(int64_t example_id, int64_t layer, Kind kind) {
  uint64_t seed = 0x243F6A8885A308D3U;
  seed = fold(seed, static_cast<uint64_t>(example_id));
  seed = fold(seed, static_cast<uint64_t>(layer));
  return fold(seed, static_cast<uint64_t>(letter(kind)));
}

PositionSampler::PositionSampler(SamplerType type, double base_rate, int64_t min_bucket_size)
    : type_(type), buckets_(type, min_bucket_size, BucketRule::kFloat32) {
  QK_CHECK(!std::isnan(base_rate));
  if (type == SamplerType::kLogUniform) {
    const auto rate = static_cast<float>(std::clamp(base_rate, -0x1p127, 0x1p127));
    for (size_t bucket = 0; bucket < probabilities_.size(); ++bucket) {
      const float width = std::ldexp(1.0F, static_cast<int>(bucket));
      probabilities_[bucket] = std::min(1.0F, rate / width);
    }
  } else {
    const double rate = std::min(1.0, base_rate / static_cast<double>(min_bucket_size));
    probabilities_[0] = static_cast<float>(rate);
  }
}

float PositionSampler::probability(int64_t position) const {
  if (type_ == SamplerType::kAll) return 1.0F;
  if (type_ == SamplerType::kUniform) return probabilities_[0];
  return probabilities_[static_cast<size_t>(buckets_.of(position))];
}

std::vector<int32_t> PositionSampler::select(int64_t num_tokens, uint64_t seed) const {
  if (type_ == SamplerType::kAll) return everything(num_tokens);
  return draw(num_tokens, seed, [this](int64_t index) { return probability(index); });
}

std::vector<int32_t> PositionSampler::select(std::span<const int32_t> positions,
                                             uint64_t seed) const {
  const auto n = static_cast<int64_t>(positions.size());
  if (type_ == SamplerType::kAll) return everything(n);
  return draw(n, seed, [this, positions](int64_t index) {
    return probability(positions[static_cast<size_t>(index)]);
  });
}

double PositionSampler::expected_share(int64_t position) const {
  // Draws are multiples of 2^-24: this many of the 2^24 values are below a probability.
  return std::max(0.0, std::ceil(probability(position) * 0x1p24) * 0x1p-24);
}

double PositionSampler::expected_rows(int64_t num_tokens) const {
  if (type_ != SamplerType::kLogUniform) {
    return static_cast<double>(num_tokens) * expected_share(0);
  }
  double rows = 0;
  for (int64_t position = 0; position < num_tokens; ++position) rows += expected_share(position);
  return rows;
}

}  // namespace qk
