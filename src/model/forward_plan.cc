#include "model/forward_plan.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <numeric>

#include "model/buffer.h"
#include "model/rope_tables.h"
#include "model/weight_pages.h"

namespace qk {
namespace {

bool wants_queries(const LayerRequest& layer) {
  return !layer.query_rows.empty() && !layer.query_heads.empty();
}
bool wants_keys(const LayerRequest& layer) {
  return !layer.key_rows.empty() && !layer.key_heads.empty();
}

void check_ascending(std::span<const int32_t> values, int64_t limit) {
  for (size_t i = 0; i < values.size(); ++i) {
    QK_CHECK(values[i] >= 0 && values[i] < limit);
    QK_CHECK(i == 0 || values[i - 1] < values[i]);
  }
}

void check_request(const ModelConfig& config, int64_t num_tokens, const TapRequest& request) {
  QK_CHECK(std::ssize(request.layers) == config.num_hidden_layers);
  for (size_t l = 0; l < request.layers.size(); ++l) {
    const LayerRequest& layer = request.layers[l];
    check_ascending(layer.query_rows, num_tokens);
    check_ascending(layer.key_rows, num_tokens);
    check_ascending(layer.query_heads, config.num_attention_heads);
    check_ascending(layer.key_heads, config.num_key_value_heads);
    QK_CHECK(config.layers[l].runs || !(wants_queries(layer) || wants_keys(layer)));
  }
}

int64_t largest_rotary_half(const ModelConfig& config) {
  int64_t half = 0;
  for (const RopeParameters& rope : config.rope) half = std::max(half, rope.rotary_dim / 2);
  return half;
}

// What an allocator of pinned memory takes for two blocks at a time that grow up to `bytes`: powers
// of two, and it keeps the smaller ones.
int64_t pinned_bytes(int64_t bytes) {
  return bytes == 0 ? 0 : 4 * static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(bytes)));
}

// Rows that are kept while layers are computed: of every site that is asked for.
int64_t tap_bytes(const ModelConfig& config, const BackendTraits& traits,
                  const TapRequest& request) {
  int64_t queries = 0, keys = 0, both = 0;  // of the layer that has most
  for (const LayerRequest& layer : request.layers) {
    const int64_t of_queries = std::ssize(layer.query_rows) * std::ssize(layer.query_heads);
    const int64_t of_keys = std::ssize(layer.key_rows) * std::ssize(layer.key_heads);
    queries = std::max(queries, of_queries);
    keys = std::max(keys, of_keys);
    both = std::max(both, of_queries + of_keys);
  }
  const auto bytes = [&](int64_t rows) {
    return activation_bytes(rows * config.head_dim, DType::kF32);
  };
  const int64_t sites = (request.pre_rope ? 1 : 0) + (request.post_rope ? 1 : 0);
  if (traits.pins_memory) return sites * (pinned_bytes(bytes(queries)) + pinned_bytes(bytes(keys)));
  const int64_t layers_at_once = traits.asynchronous ? 2 : 1;
  return sites * layers_at_once * bytes(both);
}

// Rows of the table of embeddings on their way to the device.
int64_t upload_bytes(const ModelConfig& config, const BackendTraits& traits,
                     const ForwardSizes& sizes) {
  if (!traits.pins_memory) return 0;
  return pinned_bytes(activation_bytes(sizes.embedding * config.hidden_size, DType::kF32));
}

// Tokens of one call of embedding: on a device a part of a block, since rows pass through memory of
// the host and of the device.
int64_t embedding_tokens(const BackendTraits& traits, const ForwardOptions& options, int64_t block,
                         int64_t tokens) {
  constexpr int64_t kMostUploaded = 1024;
  const int64_t most = options.stream_weights ? kEmbeddingPiece : tokens;
  return traits.asynchronous ? std::min({most, block, kMostUploaded}) : most;
}

// Of the layers that run; 0: none has one.
int64_t smallest_window(const ModelConfig& config, const ForwardPlan& plan) {
  int64_t smallest = 0;
  for (const int layer : plan.layers) {
    const int64_t window = config.layers[static_cast<size_t>(layer)].sliding_window;
    if (window > 0 && (smallest == 0 || window < smallest)) smallest = window;
  }
  return smallest;
}

}  // namespace

ForwardPlan plan_forward(const ModelConfig& config, const BackendTraits& traits, int64_t num_tokens,
                         const TapRequest& request) {
  check_request(config, num_tokens, request);
  ForwardPlan plan;
  if (!request.pre_rope && !request.post_rope) return plan;
  int last = -1;
  for (size_t l = 0; l < request.layers.size(); ++l) {
    const LayerRequest& layer = request.layers[l];
    if (wants_queries(layer) || wants_keys(layer)) last = static_cast<int>(l);
  }
  for (int l = 0; l <= last; ++l) {
    const LayerConfig& layer = config.layers[static_cast<size_t>(l)];
    if (!layer.runs) continue;
    plan.layers.push_back(l);
    const bool known = std::ranges::find(plan.rope_sets, layer.rope_idx) != plan.rope_sets.end();
    if (layer.rope_idx >= 0 && !known) plan.rope_sets.push_back(layer.rope_idx);
  }
  if (last < 0) return plan;
  if (traits.rows_depend_on_shape) {
    plan.last_rows.resize(static_cast<size_t>(num_tokens));
    std::iota(plan.last_rows.begin(), plan.last_rows.end(), 0);
    return plan;
  }
  const LayerRequest& layer = request.layers[static_cast<size_t>(last)];
  const std::vector<int32_t> none;
  std::ranges::set_union(wants_queries(layer) ? layer.query_rows : none,
                         wants_keys(layer) ? layer.key_rows : none,
                         std::back_inserter(plan.last_rows));
  return plan;
}

std::vector<TokenRange> token_ranges(const BackendTraits& traits, std::span<const int64_t> offsets,
                                     int64_t most) {
  std::vector<TokenRange> out;
  const auto add = [&](int64_t begin, int64_t end) {
    for (; begin < end; begin += most) out.push_back({begin, std::min(begin + most, end)});
  };
  if (!traits.rows_depend_on_shape) {
    add(0, offsets.back());
    return out;
  }
  for (size_t s = 0; s + 1 < offsets.size(); ++s) add(offsets[s], offsets[s + 1]);
  return out;
}

ForwardSizes forward_sizes(const Model& model, const Backend& backend, const ForwardPlan& plan,
                           std::span<const int64_t> sequence_lengths,
                           const ForwardOptions& options) {
  const ModelConfig& config = model.config;
  const bool alone = backend.traits.rows_depend_on_shape;
  const int64_t tokens =
      std::accumulate(sequence_lengths.begin(), sequence_lengths.end(), int64_t{0});
  ForwardSizes out;
  if (plan.layers.empty() || tokens == 0) return out;
  const bool one_layer = plan.layers.size() == 1;
  const int64_t first_rows = one_layer ? std::ssize(plan.last_rows) : tokens;
  const int64_t together = alone ? std::ranges::max(sequence_lengths) : first_rows;
  const auto bytes = [&](int64_t rows, int64_t width) {
    return activation_bytes(rows * width, backend.traits.dtype);
  };
  out.block = std::min(std::max<int64_t>(options.chunk_tokens, 1), together);
  out.attention = std::min(std::max(options.attention_tokens / out.block, int64_t{1}),
                           (together + out.block - 1) / out.block) *
                  out.block;
  out.embedding = embedding_tokens(backend.traits, options, out.block, first_rows);
  const int64_t waiting = one_layer ? out.block : std::min(out.attention, together);
  out.hidden = bytes(first_rows, config.hidden_size);
  out.normed = bytes(out.block, config.hidden_size);
  out.query = bytes(waiting, config.num_attention_heads * config.head_dim);
  out.mixed = out.query;
  out.key = bytes(out.block, config.num_key_value_heads * config.head_dim);
  out.value = out.key;
  out.rotary = alone ? 0 : bytes(out.block, largest_rotary_half(config));
  if (one_layer) return out;
  out.gate = bytes(out.block, std::max(config.intermediate_size, config.hidden_size));
  out.up = bytes(out.block, config.intermediate_size);
  if (model.architecture->block.sandwich_norms) {
    out.branch = bytes(out.block, config.hidden_size);
  }
  for (const int64_t length : sequence_lengths) {
    out.cache.push_back(
        backend.kv_bytes(backend, length, config.num_key_value_heads, config.head_dim));
  }
  return out;
}

int64_t ForwardSizes::total() const {
  return hidden + normed + query + key + value + mixed + gate + up + branch + 2 * rotary +
         std::accumulate(cache.begin(), cache.end(), int64_t{0});
}

ForwardBytes forward_bytes(const Model& model, const Backend& backend,
                           std::span<const int64_t> sequence_lengths, const TapRequest& request,
                           const ForwardOptions& options, int num_threads) {
  const ModelConfig& config = model.config;
  const int64_t tokens =
      std::accumulate(sequence_lengths.begin(), sequence_lengths.end(), int64_t{0});
  const ForwardPlan plan = plan_forward(config, backend.traits, tokens, request);
  const ForwardSizes sizes = forward_sizes(model, backend, plan, sequence_lengths, options);
  if (sizes.block == 0) return {};
  const int64_t row_lists =
      (tokens + 2 * std::ssize(plan.last_rows)) * static_cast<int64_t>(sizeof(int32_t));
  const int64_t widest = std::max(
      {config.hidden_size, config.intermediate_size, config.num_attention_heads * config.head_dim});
  const ScratchShape largest = {.rows = sizes.block,
                                .width = widest,
                                .tokens = std::ranges::max(sequence_lengths),
                                .query_rows = sizes.attention,
                                .num_attention_heads = config.num_attention_heads,
                                .num_key_value_heads = config.num_key_value_heads,
                                .head_dim = config.head_dim,
                                .window = smallest_window(config, plan),
                                .causal = config.causal};
  return {.device = sizes.total() +
                    RopeTables::bytes(config, backend.traits, sequence_lengths, sequence_lengths,
                                      plan.rope_sets) +
                    backend.scratch_bytes(backend, largest, num_threads),
          .host = tap_bytes(config, backend.traits, request) +
                  upload_bytes(config, backend.traits, sizes) + row_lists};
}

}  // namespace qk
