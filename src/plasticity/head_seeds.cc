#include "plasticity/head_seeds.h"

#include <cstdint>

namespace qk {
namespace {

enum Purpose : uint8_t { kQueryRows, kKeyRows, kNoiseDims, kKeyPairs, kNormalityPairs, kPoints };

SeedWords derived(const MeasureOptions& options, int64_t layer, int64_t head, Purpose purpose) {
  SeedWords out = seed_words(options.seed);
  for (const int64_t number : {layer, head, static_cast<int64_t>(purpose)}) {
    const SeedWords words = seed_words(number);
    out.magnitude.insert(out.magnitude.end(), words.magnitude.begin(), words.magnitude.end());
  }
  return out;
}

}  // namespace

SeedWords query_rows_seed(const MeasureOptions& options, int64_t layer, int64_t q_head) {
  if (options.compat_reference) return seed_words(options.seed);
  return derived(options, layer, q_head, kQueryRows);
}

SeedWords key_rows_seed(const MeasureOptions& options, int64_t layer, int64_t k_head) {
  if (options.compat_reference) return seed_words(options.seed);
  return derived(options, layer, k_head, kKeyRows);
}

SeedWords noise_dims_seed(const MeasureOptions& options, int64_t layer, int64_t q_head) {
  if (options.compat_reference) return seed_words(options.seed);
  return derived(options, layer, q_head, kNoiseDims);
}

SeedWords key_pairs_seed(const MeasureOptions& options, int64_t layer, int64_t q_head) {
  if (!options.compat_reference) return derived(options, layer, q_head, kKeyPairs);
  return seed_words(options.seed + 10007 * layer + 379 * q_head);
}

SeedWords score_pairs_seed(const MeasureOptions& options, int64_t layer, int64_t q_head) {
  return derived(options, layer, q_head, kNormalityPairs);
}

SeedWords profile_points_seed(const MeasureOptions& options, int64_t layer, bool of_keys) {
  return derived(options, layer, of_keys ? 1 : 0, kPoints);
}

}  // namespace qk
