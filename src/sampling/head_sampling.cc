#include "sampling/head_sampling.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "random/python_rng.h"

namespace qk {
namespace {

struct Head {
  int64_t layer;
  int64_t head;
};

struct Candidates {
  std::vector<Head> heads;  // layer ascending, head ascending
  int64_t excluded = 0;     // heads of sliding layers left out by full_attention_only
};

void check_range(std::string_view key, const std::vector<int64_t>& wanted, int64_t limit) {
  std::vector<int64_t> outside;
  std::ranges::copy_if(wanted, std::back_inserter(outside),
                       [limit](int64_t index) { return index < 0 || index >= limit; });
  if (outside.empty()) return;
  fail("capture.{}: expected numbers from 0 to {}, found {}", key, limit - 1,
       fmt::join(outside, ", "));
}

void check(const HeadPopulation& population, int64_t count) {
  QK_CHECK(population.num_layers >= 1 && population.num_query_heads >= 1);
  QK_CHECK(population.num_key_heads >= 1);
  QK_CHECK(std::ssize(population.sliding_layers) == population.num_layers);
  QK_CHECK(std::ssize(population.capturable_layers) == population.num_layers);
  if (count < 1) fail("capture.head_sampling.count: expected at least 1, found {}", count);
  if (population.num_query_heads % population.num_key_heads != 0) {
    fail("num_attention_heads: expected a multiple of num_key_value_heads = {}, found {}",
         population.num_key_heads, population.num_query_heads);
  }
  check_range("layers", population.layers, population.num_layers);
  check_range("heads", population.heads, population.num_query_heads);
}

bool passes(const std::vector<int64_t>& filter, int64_t index) {
  return filter.empty() || std::ranges::find(filter, index) != filter.end();
}

Candidates find_candidates(const HeadPopulation& population) {
  Candidates out;
  for (int64_t layer = 0; layer < population.num_layers; ++layer) {
    const auto at = static_cast<size_t>(layer);
    if (!population.capturable_layers[at] || !passes(population.layers, layer)) continue;
    const bool excluded = population.full_attention_only && population.sliding_layers[at];
    for (int64_t head = 0; head < population.num_query_heads; ++head) {
      if (!passes(population.heads, head)) continue;
      if (excluded) {
        ++out.excluded;
      } else {
        out.heads.push_back({layer, head});
      }
    }
  }
  if (out.heads.empty()) {
    fail(
        "capture.head_sampling: expected heads to sample from, found none ({} heads of layers with "
        "a sliding window are excluded by full_attention_only)",
        out.excluded);
  }
  return out;
}

// In the order of the candidates when all are taken, else in the order drawn.
std::vector<Head> pick(const std::vector<Head>& candidates, int64_t count, int64_t seed) {
  const std::ptrdiff_t num_candidates = std::ssize(candidates);
  if (count >= num_candidates) return candidates;
  std::vector<Head> picked;
  picked.reserve(static_cast<size_t>(count));
  for (const int64_t index : PythonRandom(seed).sample(num_candidates, count)) {
    picked.push_back(candidates[static_cast<size_t>(index)]);
  }
  return picked;
}

void sort_unique(std::vector<int32_t>& heads) {
  std::ranges::sort(heads);
  heads.erase(std::ranges::unique(heads).begin(), heads.end());
}

int64_t total(const std::vector<std::vector<int32_t>>& heads) {
  int64_t sum = 0;
  for (const auto& layer : heads) sum += std::ssize(layer);
  return sum;
}

void record(const HeadPopulation& population, int64_t count, int64_t seed, int64_t excluded,
            HeadSample& sample) {
  int64_t num_sliding = 0;
  int64_t num_full = 0;
  for (size_t layer = 0; layer < population.capturable_layers.size(); ++layer) {
    if (!population.capturable_layers[layer]) continue;
    ++(population.sliding_layers[layer] ? num_sliding : num_full);
  }
  const auto add = [&sample](std::string_view key, std::variant<int64_t, std::string> value) {
    sample.metadata.emplace_back(fmt::format("head_sampling_{}", key), std::move(value));
  };
  add("strategy", std::string("random_query"));
  add("seed", seed);
  add("requested_query_heads", count);
  add("selected_query_heads", total(sample.query_heads));
  add("selected_key_heads", total(sample.key_heads));
  add("num_layers", population.num_layers);
  add("num_query_heads", population.num_query_heads);
  add("num_key_heads", population.num_key_heads);
  add("full_attention_only", int64_t{population.full_attention_only});
  add("sliding_layer_count", num_sliding);
  add("full_layer_count", num_full);
  add("sliding_candidates_excluded", excluded);
}

}  // namespace

HeadSample sample_heads(const HeadPopulation& population, int64_t count, int64_t seed) {
  check(population, count);
  const Candidates candidates = find_candidates(population);
  const int64_t group = population.num_query_heads / population.num_key_heads;
  HeadSample sample;
  sample.query_heads.resize(static_cast<size_t>(population.num_layers));
  sample.key_heads.resize(static_cast<size_t>(population.num_layers));
  for (const auto& [layer, head] : pick(candidates.heads, count, seed)) {
    const auto at = static_cast<size_t>(layer);
    sample.query_heads[at].push_back(static_cast<int32_t>(head));
    sample.key_heads[at].push_back(static_cast<int32_t>(head / group));
  }
  for (auto& heads : sample.query_heads) sort_unique(heads);
  for (auto& heads : sample.key_heads) sort_unique(heads);
  record(population, count, seed, candidates.excluded, sample);
  return sample;
}

}  // namespace qk
