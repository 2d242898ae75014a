#include "plasticity/head_seeds.h"

#include <cstdint>

#include "base/error.h"

namespace qk {
namespace {

enum Purpose : uint8_t { kQueryRows, kKeyRows, kNoiseDims, kKeyPairs };

SeedWords derived(const AnalysisConfig& config, int64_t layer, int64_t head, Purpose purpose) {
  SeedWords out = seed_words(config.seed);
  for (const int64_t number : {layer, head, static_cast<int64_t>(purpose)}) {
    const SeedWords words = seed_words(number);
    out.magnitude.insert(out.magnitude.end(), words.magnitude.begin(), words.magnitude.end());
  }
  return out;
}

}  // namespace

SeedWords query_rows_seed(const AnalysisConfig& config, int64_t layer, int64_t q_head) {
  if (config.compat_reference) return seed_words(config.seed);
  return derived(config, layer, q_head, kQueryRows);
}

SeedWords key_rows_seed(const AnalysisConfig& config, int64_t layer, int64_t k_head) {
  if (config.compat_reference) return seed_words(config.seed);
  return derived(config, layer, k_head, kKeyRows);
}

SeedWords noise_dims_seed(const AnalysisConfig& config, int64_t layer, int64_t q_head) {
  if (config.compat_reference) return seed_words(config.seed);
  return derived(config, layer, q_head, kNoiseDims);
}

SeedWords key_pairs_seed(const AnalysisConfig& config, int64_t layer, int64_t q_head) {
  if (!config.compat_reference) return derived(config, layer, q_head, kKeyPairs);
  return seed_words(config.seed + 10007 * layer + 379 * q_head);
}

}  // namespace qk
