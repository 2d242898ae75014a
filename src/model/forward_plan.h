// What one forward pass has to compute, and how much memory that takes. The layer loop allocates
// exactly this, so that a budget can be checked beforehand.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/forward.h"

namespace qk {

struct ForwardPlan {
  std::vector<int> layers;  // that run, in order; the last of them only projects what is tapped
  std::vector<int32_t> last_rows;  // tokens whose hidden state the last layer needs, ascending
  std::vector<int> rope_sets;      // of config.rope that these layers use
};

// Tokens [begin, end) of the batch.
struct TokenRange {
  int64_t begin = 0, end = 0;
};

// Bytes of the buffers of the layer loop.
struct ForwardSizes {
  int64_t block = 0;      // tokens of one call of norms and products
  int64_t attention = 0;  // tokens whose queries wait for one call of attention: whole blocks
  int64_t embedding = 0;  // tokens of one call of embedding
  int64_t hidden = 0;     // [tokens, hidden_size]
  int64_t normed = 0, query = 0, key = 0, value = 0, mixed = 0, gate = 0, up = 0, branch = 0;
  int64_t rotary = 0;          // each of cosines and sines of rows that are not neighbours
  std::vector<int64_t> cache;  // [sequences] keys and values of one layer

  int64_t total() const;
};

// REQUIRES: request.layers has an entry for each layer of the model; rows and heads ascend and are
// in range; layers that do not run are not asked for.
ForwardPlan plan_forward(const ModelConfig& config, const BackendTraits& traits, int64_t num_tokens,
                         const TapRequest& request);

// The tokens in pieces of `most`; with rows_depend_on_shape no piece reaches into another sequence.
std::vector<TokenRange> token_ranges(const BackendTraits& traits, std::span<const int64_t> offsets,
                                     int64_t most);

ForwardSizes forward_sizes(const Model& model, const Backend& backend, const ForwardPlan& plan,
                           std::span<const int64_t> sequence_lengths,
                           const ForwardOptions& options);

}  // namespace qk
