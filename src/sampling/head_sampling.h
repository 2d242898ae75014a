// Head sampling: `capture.head_sampling.count` query heads out of all that could be captured, drawn
// as the original draws them, and the key heads that serve them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace qk {

// What heads are sampled from. The two flag lists decide what counts as what: give what is true of
// each layer, or, under `compat: reference`, what the original takes it for.
struct HeadPopulation {
  int64_t num_layers = 0;
  int64_t num_query_heads = 0;          // per layer
  int64_t num_key_heads = 0;            // per layer
  std::vector<int64_t> layers;          // filter; empty: all
  std::vector<int64_t> heads;           // filter of query heads; empty: all
  bool full_attention_only = false;     // no heads of sliding layers
  std::vector<bool> sliding_layers;     // [num_layers] attention has a window
  std::vector<bool> capturable_layers;  // [num_layers] false: never a candidate
};

struct HeadSample {
  std::vector<std::vector<int32_t>> query_heads;  // [num_layers] ascending
  std::vector<std::vector<int32_t>> key_heads;    // [num_layers] ascending
  // The keys and values that the original records, in its order. Layers that cannot be captured
  // are in num_layers, but count neither as sliding nor as full.
  std::vector<std::pair<std::string, std::variant<int64_t, std::string>>> metadata;
};

// min(count, number of candidates) query heads. Throws Error naming the key: count below 1, layers
// or heads out of range, query heads that the key heads do not divide, no candidate left.
// REQUIRES: the flag lists have num_layers entries; num_layers and the numbers of heads >= 1.
HeadSample sample_heads(const HeadPopulation& population, int64_t count, int64_t seed);

}  // namespace qk
