#include "model/forward_plan.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "model/buffer.h"
#include "model/rope_tables.h"

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

// Rows that are kept while a layer is computed: of every site that is asked for.
int64_t tap_bytes(const ModelConfig& config, const TapRequest& request) {
  int64_t most = 0;
  for (const LayerRequest& layer : request.layers) {
    const int64_t rows = std::ssize(layer.query_rows) * std::ssize(layer.query_heads) +
                         std::ssize(layer.key_rows) * std::ssize(layer.key_heads);
    most = std::max(most, rows * config.head_dim);
  }
  return activation_bytes(most, DType::kF32) *
         ((request.pre_rope ? 1 : 0) + (request.post_rope ? 1 : 0));
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
                                .head_dim = config.head_dim};
  const int64_t layers_at_once = backend.traits.asynchronous ? 2 : 1;  // whose taps are kept
  return {.device = sizes.total() +
                    RopeTables::bytes(config, backend.traits.dtype, sequence_lengths,
                                      sequence_lengths, plan.rope_sets) +
                    backend.scratch_bytes(backend, largest, num_threads),
          .host = layers_at_once * tap_bytes(config, request) + row_lists};
}

}  // namespace qk
