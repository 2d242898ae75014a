// A whole decoder layer, a chunk of tokens at a time.
#include <algorithm>
#include <iterator>

#include "kernels/attention.h"
#include "model/forward_run.h"
#include "model/row_places.h"

namespace qk {
namespace {

// The part of an ascending list that is in [begin, end).
std::span<const int32_t> between(std::span<const int32_t> rows, int64_t begin, int64_t end) {
  const auto first = std::ranges::lower_bound(rows, begin);
  return {first, std::ranges::lower_bound(first, rows.end(), end)};
}

}  // namespace

void ForwardRun::full_layer(int layer, std::span<const int32_t> kept) {
  LayerTaps& taps = begin_taps(layer);
  const LayerRequest& wanted = request_.layers[static_cast<size_t>(layer)];
  std::vector<int32_t> queried;
  std::span<const int32_t> query_rows = kept;
  if (!wanted.query_heads.empty() && std::ssize(kept) < num_tokens_) {
    std::ranges::set_union(kept, wanted.query_rows, std::back_inserter(queried));
    query_rows = queried;
  }
  const auto part = [&](const TokenRange& range) {
    return Chunk{layer,
                 range.begin,
                 range.end,
                 between(all_rows_, range.begin, range.end),
                 between(query_rows, range.begin, range.end),
                 between(kept, range.begin, range.end)};
  };
  const auto pieces = [&](int64_t most) {
    return token_ranges(backend_.traits, sequences_.offsets, most);
  };
  const std::vector<TokenRange> blocks = pieces(sizes_.block);
  if (!config_.causal) {  // a query sees later keys too: all of them first
    for (const TokenRange& range : blocks) {
      const Chunk block = part(range);
      norm_chunk(block);
      project(block, /*keys=*/true, /*queries=*/false, {});
      finish_keys(block, taps);
    }
  }
  int64_t written = 0;  // rows of hidden_ that are this layer's output already
  for (const TokenRange& range : pieces(sizes_.attention)) {
    const Chunk chunk = part(range);
    const auto first = std::ranges::lower_bound(blocks, range.begin, {}, &TokenRange::begin);
    const auto last = std::ranges::lower_bound(blocks, range.end, {}, &TokenRange::begin);
    int64_t queries = 0;
    for (auto at = first; at != last; ++at) {
      const Chunk block = part(*at);
      project_block(block, queries, taps);
      queries += std::ssize(block.query_rows);
    }
    if (chunk.kept_rows.empty()) continue;
    keep_queries(chunk);
    attend(chunk);
    int64_t mixed = 0;
    for (auto at = first; at != last; ++at) {
      const Chunk block = part(*at);
      finish_block(block, mixed, written + mixed);
      mixed += std::ssize(block.kept_rows);
    }
    written += mixed;
  }
  emit_taps();
}

void ForwardRun::project_block(const Chunk& block, int64_t at, LayerTaps& taps) {
  const auto end = at + std::ssize(block.query_rows);
  const Heads queries = query_heads(end).slice(at, end);
  norm_chunk(block);
  project(block, /*keys=*/config_.causal, /*queries=*/true, queries);
  if (config_.causal) finish_keys(block, taps);
  if (!block.query_rows.empty()) finish_queries(block, queries, taps);
}

void ForwardRun::finish_block(const Chunk& block, int64_t at, int64_t written) {
  if (block.kept_rows.empty()) return;
  const auto end = at + std::ssize(block.kept_rows);
  const Matrix mixed =
      mixed_.matrix(end, config_.num_attention_heads * config_.head_dim).slice(at, end);
  const Matrix hidden = kept_hidden(block, written);
  attention_output(block.layer, mixed, hidden);
  mlp(block.layer, hidden);
}

void ForwardRun::norm_chunk(const Chunk& chunk) {
  const Matrix all = hidden_.matrix(num_tokens_, config_.hidden_size);
  norm(all.slice(chunk.begin, chunk.end), model_.layer(chunk.layer).input_norm,
       normed_.matrix(chunk.end - chunk.begin, config_.hidden_size));
}

// Moves the queries of the kept rows to the front.
void ForwardRun::keep_queries(const Chunk& chunk) {
  if (chunk.kept_rows.size() == chunk.query_rows.size()) return;
  const int64_t width = config_.num_attention_heads * config_.head_dim;
  const Matrix all = query_.matrix(std::ssize(chunk.query_rows), width);
  backend_.gather_rows(context_, all, row_places(chunk.kept_rows, chunk.query_rows),
                       all.slice(0, std::ssize(chunk.kept_rows)));
}

void ForwardRun::project(const Chunk& chunk, bool keys, bool queries, Heads query) {
  const BoundLayer& layer = model_.layer(chunk.layer);
  const int64_t rows = chunk.end - chunk.begin;
  const Matrix x = normed_.matrix(rows, config_.hidden_size);
  const LinearJob query_job{.weight = layer.q_proj, .bias = layer.q_bias, .y = query.flat()};
  std::vector<LinearJob> jobs;
  if (keys) {
    jobs.push_back({.weight = layer.k_proj, .bias = layer.k_bias, .y = key_heads(rows).flat()});
    jobs.push_back({.weight = layer.v_proj,
                    .bias = layer.v_bias,
                    .y = value_.matrix(rows, layer.v_proj.rows)});
  }
  const auto num_queries = std::ssize(chunk.query_rows);
  const bool all_queries = queries && num_queries == rows;
  if (all_queries) jobs.push_back(query_job);
  if (!jobs.empty()) linear(x, jobs);
  if (!queries || all_queries || num_queries == 0) return;
  const Matrix some = gate_.matrix(num_queries, config_.hidden_size);
  backend_.gather_rows(context_, x, row_places(chunk.query_rows, chunk.rows), some);
  linear(some, {&query_job, 1});
}

void ForwardRun::finish_keys(const Chunk& chunk, LayerTaps& taps) {
  const int64_t rows = chunk.end - chunk.begin;
  const Heads keys = key_heads(rows);
  const Heads values = value_.heads(rows, config_.num_key_value_heads, config_.head_dim);
  head_norm(keys, model_.layer(chunk.layer).k_norm);
  take(taps, Site::kKeyPreRope, keys, chunk.rows);
  rotate(chunk.layer, chunk.rows, keys);
  take(taps, Site::kKeyPostRope, keys, chunk.rows);
  const PartWatch watch(clock_, times_.attention);
  for (const Segment& part : segments(chunk.rows)) {
    const int64_t start = sequences_.offsets[static_cast<size_t>(part.sequence)];
    backend_.kv_store(context_, caches_[static_cast<size_t>(part.sequence)],
                      chunk.begin + part.begin - start, keys.slice(part.begin, part.end),
                      values.slice(part.begin, part.end));
  }
}

void ForwardRun::finish_queries(const Chunk& chunk, Heads queries, LayerTaps& taps) {
  head_norm(queries, model_.layer(chunk.layer).q_norm);
  take(taps, Site::kQueryPreRope, queries, chunk.query_rows);
  rotate(chunk.layer, chunk.query_rows, queries);
  scale_queries(chunk.query_rows, queries);
  take(taps, Site::kQueryPostRope, queries, chunk.query_rows);
}

void ForwardRun::attend(const Chunk& chunk) {
  const PartWatch watch(clock_, times_.attention);
  const int64_t heads = config_.num_attention_heads;
  const auto rows = std::ssize(chunk.kept_rows);
  const Heads queries = query_heads(rows);
  const Heads mixed = mixed_.heads(rows, heads, config_.head_dim);
  const std::span<const int32_t> at = positions(chunk.kept_rows);
  for (const Segment& part : segments(chunk.kept_rows)) {
    const auto s = static_cast<size_t>(part.sequence);
    const int64_t stored =
        config_.causal ? std::min(chunk.end, sequences_.offsets[s + 1]) : sequences_.offsets[s + 1];
    const AttentionShape shape = {
        .scale = config_.softmax_scale,
        .window = config_.layers[static_cast<size_t>(chunk.layer)].sliding_window,
        .causal = config_.causal,
        .num_keys = stored - sequences_.offsets[s]};
    const std::span<const int32_t> here =
        at.subspan(static_cast<size_t>(part.begin), static_cast<size_t>(part.end - part.begin));
    const bool gapless = here.back() - here.front() + 1 == std::ssize(here);
    backend_.attention(
        context_, queries.slice(part.begin, part.end),
        gapless ? QueryPositions{.first = here.front()} : QueryPositions{.list = here}, caches_[s],
        shape, mixed.slice(part.begin, part.end));
    for (const int32_t position : here) {
      const KeyRange seen = visible_keys(shape, position);
      times_.matmul_flop +=
          4.0 * static_cast<double>((seen.end - seen.begin) * heads * config_.head_dim);
    }
  }
}

// Where the chunk's output goes: in place, or, when only some rows are kept, at the front.
Matrix ForwardRun::kept_hidden(const Chunk& chunk, int64_t written) {
  const auto rows = std::ssize(chunk.kept_rows);
  const Matrix all = hidden_.matrix(num_tokens_, config_.hidden_size);
  const Matrix out = all.slice(written, written + rows);
  if (written != chunk.begin || rows != chunk.end - chunk.begin) {
    backend_.gather_rows(context_, all, chunk.kept_rows, out);
  }
  return out;
}

void ForwardRun::attention_output(int layer, Matrix mixed, Matrix hidden) {
  const BoundLayer& w = model_.layer(layer);
  add_branch(mixed, w.o_proj, w.o_bias, w.post_attention_norm, hidden);
}

void ForwardRun::mlp(int layer, Matrix hidden) {
  const BoundLayer& w = model_.layer(layer);
  const int64_t rows = hidden.rows;
  const Matrix x = normed_.matrix(rows, config_.hidden_size);
  norm(hidden, w.pre_mlp_norm, x);
  const Matrix gate = gate_.matrix(rows, config_.intermediate_size);
  const Matrix up = up_.matrix(rows, config_.intermediate_size);
  const LinearJob both[] = {
      {.weight = w.gate_proj, .bias = w.gate_bias, .y = gate},
      {.weight = w.up_proj, .bias = w.up_bias, .y = up, .first_row = w.up_first_row}};
  linear(x, both);
  {
    const PartWatch watch(clock_, times_.activation);
    backend_.gated_activation(context_, gate, up, config_.hidden_act);
  }
  add_branch(gate, w.down_proj, w.down_bias, w.post_mlp_norm, hidden);
}

// hidden += x W^T + bias, or, with sandwich_norms, its norm.
void ForwardRun::add_branch(ConstMatrix x, const BoundMatrix& weight, BoundVector bias,
                            BoundVector post_norm, Matrix hidden) {
  const bool sandwich = block().sandwich_norms;
  const Matrix branch = sandwich ? branch_.matrix(hidden.rows, config_.hidden_size) : hidden;
  const LinearJob job{.weight = weight, .bias = bias, .y = branch, .accumulate = !sandwich};
  linear(x, {&job, 1});
  if (!sandwich) return;
  norm(branch, post_norm, branch);
  const PartWatch watch(clock_, times_.norm);
  backend_.add(context_, hidden, branch);
}

}  // namespace qk
