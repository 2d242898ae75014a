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
  LayerTaps taps = make_taps(layer);
  const LayerRequest& wanted = request_.layers[static_cast<size_t>(layer)];
  std::vector<int32_t> queried;
  std::span<const int32_t> query_rows = kept;
  if (!wanted.query_heads.empty() && std::ssize(kept) < num_tokens_) {
    std::ranges::set_union(kept, wanted.query_rows, std::back_inserter(queried));
    query_rows = queried;
  }
  const auto chunk_at = [&](int64_t begin) {
    const int64_t end = std::min(begin + sizes_.chunk, num_tokens_);
    return Chunk{layer,
                 begin,
                 end,
                 between(all_rows_, begin, end),
                 between(query_rows, begin, end),
                 between(kept, begin, end)};
  };
  if (!config_.causal) {  // a query sees later keys too: all of them first
    for (int64_t begin = 0; begin < num_tokens_; begin += sizes_.chunk) {
      const Chunk chunk = chunk_at(begin);
      norm_chunk(chunk);
      project(chunk, /*keys=*/true, /*queries=*/false);
      finish_keys(chunk, taps);
    }
  }
  int64_t written = 0;  // rows of hidden_ that are this layer's output already
  for (int64_t begin = 0; begin < num_tokens_; begin += sizes_.chunk) {
    const Chunk chunk = chunk_at(begin);
    layer_chunk(chunk, written, taps);
    written += std::ssize(chunk.kept_rows);
  }
  emit(taps);
}

void ForwardRun::layer_chunk(const Chunk& chunk, int64_t written, LayerTaps& taps) {
  norm_chunk(chunk);
  project(chunk, /*keys=*/config_.causal, /*queries=*/true);
  if (config_.causal) finish_keys(chunk, taps);
  if (chunk.query_rows.empty()) return;
  finish_queries(chunk, taps);
  if (chunk.kept_rows.empty()) return;
  keep_queries(chunk);
  attend(chunk);
  const MatrixView hidden = kept_hidden(chunk, written);
  attention_output(chunk.layer, hidden);
  mlp(chunk.layer, hidden);
}

void ForwardRun::norm_chunk(const Chunk& chunk) {
  const MatrixView all = hidden_.matrix(num_tokens_, config_.hidden_size);
  norm(all.slice(chunk.begin, chunk.end), model_.layer(chunk.layer).input_norm,
       normed_.matrix(chunk.end - chunk.begin, config_.hidden_size));
}

// Moves the queries of the kept rows to the front.
void ForwardRun::keep_queries(const Chunk& chunk) {
  if (chunk.kept_rows.size() == chunk.query_rows.size()) return;
  const int64_t width = config_.num_attention_heads * config_.head_dim;
  const MatrixView all = query_.matrix(std::ssize(chunk.query_rows), width);
  backend_.gather_rows(context_, all, row_places(chunk.kept_rows, chunk.query_rows),
                       all.slice(0, std::ssize(chunk.kept_rows)));
}

void ForwardRun::project(const Chunk& chunk, bool keys, bool queries) {
  const BoundLayer& layer = model_.layer(chunk.layer);
  const int64_t rows = chunk.end - chunk.begin;
  const MatrixView x = normed_.matrix(rows, config_.hidden_size);
  const auto job = [](const BoundMatrix& weight, BoundVector bias, const Buffer& out, int64_t n) {
    return LinearJob{.weight = weight, .bias = bias, .y = out.matrix(n, weight.rows)};
  };
  std::vector<LinearJob> jobs;
  if (keys) {
    jobs.push_back(job(layer.k_proj, layer.k_bias, key_, rows));
    jobs.push_back(job(layer.v_proj, layer.v_bias, value_, rows));
  }
  const auto num_queries = std::ssize(chunk.query_rows);
  const bool all_queries = queries && num_queries == rows;
  if (all_queries) jobs.push_back(job(layer.q_proj, layer.q_bias, query_, rows));
  if (!jobs.empty()) linear(x, jobs);
  if (!queries || all_queries || num_queries == 0) return;
  const MatrixView some = gate_.matrix(num_queries, config_.hidden_size);
  backend_.gather_rows(context_, x, row_places(chunk.query_rows, chunk.rows), some);
  const LinearJob query = job(layer.q_proj, layer.q_bias, query_, num_queries);
  linear(some, {&query, 1});
}

void ForwardRun::finish_keys(const Chunk& chunk, LayerTaps& taps) {
  const int64_t rows = chunk.end - chunk.begin;
  const int64_t heads = config_.num_key_value_heads;
  const TensorView<float, 3> keys = key_.heads(rows, heads, config_.head_dim);
  const TensorView<float, 3> values = value_.heads(rows, heads, config_.head_dim);
  head_norm(keys, model_.layer(chunk.layer).k_norm);
  {
    const Stopwatch watch(times_.tap);
    taps.key_pre.take(keys, chunk.rows, sequences_);
  }
  rotate(chunk.layer, chunk.rows, keys);
  {
    const Stopwatch watch(times_.tap);
    taps.key_post.take(keys, chunk.rows, sequences_);
  }
  const Stopwatch watch(times_.attention);
  for (const Segment& part : segments(chunk.rows)) {
    const int64_t start = sequences_.offsets[static_cast<size_t>(part.sequence)];
    backend_.kv_store(context_, caches_[static_cast<size_t>(part.sequence)],
                      chunk.begin + part.begin - start, keys.slice(part.begin, part.end),
                      values.slice(part.begin, part.end));
  }
}

void ForwardRun::finish_queries(const Chunk& chunk, LayerTaps& taps) {
  const TensorView<float, 3> queries =
      query_.heads(std::ssize(chunk.query_rows), config_.num_attention_heads, config_.head_dim);
  head_norm(queries, model_.layer(chunk.layer).q_norm);
  {
    const Stopwatch watch(times_.tap);
    taps.query_pre.take(queries, chunk.query_rows, sequences_);
  }
  rotate(chunk.layer, chunk.query_rows, queries);
  scale_queries(chunk.query_rows, queries);
  const Stopwatch watch(times_.tap);
  taps.query_post.take(queries, chunk.query_rows, sequences_);
}

void ForwardRun::attend(const Chunk& chunk) {
  const Stopwatch watch(times_.attention);
  const int64_t heads = config_.num_attention_heads;
  const auto rows = std::ssize(chunk.kept_rows);
  const TensorView<float, 3> queries = query_.heads(rows, heads, config_.head_dim);
  const TensorView<float, 3> mixed = mixed_.heads(rows, heads, config_.head_dim);
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
MatrixView ForwardRun::kept_hidden(const Chunk& chunk, int64_t written) {
  const auto rows = std::ssize(chunk.kept_rows);
  const MatrixView all = hidden_.matrix(num_tokens_, config_.hidden_size);
  const MatrixView out = all.slice(written, written + rows);
  if (written != chunk.begin || rows != chunk.end - chunk.begin) {
    backend_.gather_rows(context_, all, chunk.kept_rows, out);
  }
  return out;
}

void ForwardRun::attention_output(int layer, MatrixView hidden) {
  const BoundLayer& w = model_.layer(layer);
  add_branch(mixed_.matrix(hidden.dim(0), w.o_proj.cols), w.o_proj, w.o_bias, w.post_attention_norm,
             hidden);
}

void ForwardRun::mlp(int layer, MatrixView hidden) {
  const BoundLayer& w = model_.layer(layer);
  const int64_t rows = hidden.dim(0);
  const MatrixView x = normed_.matrix(rows, config_.hidden_size);
  norm(hidden, w.pre_mlp_norm, x);
  const MatrixView gate = gate_.matrix(rows, config_.intermediate_size);
  const MatrixView up = up_.matrix(rows, config_.intermediate_size);
  const LinearJob both[] = {{.weight = w.gate_proj, .bias = w.gate_bias, .y = gate},
                            {.weight = w.up_proj, .bias = w.up_bias, .y = up}};
  linear(x, both);
  {
    const Stopwatch watch(times_.activation);
    backend_.gated_activation(context_, gate, up, config_.hidden_act);
  }
  add_branch(gate, w.down_proj, w.down_bias, w.post_mlp_norm, hidden);
}

// hidden += x W^T + bias, or, with sandwich_norms, its norm.
void ForwardRun::add_branch(ConstMatrixView x, const BoundMatrix& weight, BoundVector bias,
                            BoundVector post_norm, MatrixView hidden) {
  const bool sandwich = block().sandwich_norms;
  const MatrixView branch = sandwich ? branch_.matrix(hidden.dim(0), config_.hidden_size) : hidden;
  const LinearJob job{.weight = weight, .bias = bias, .y = branch, .accumulate = !sandwich};
  linear(x, {&job, 1});
  if (!sandwich) return;
  norm(branch, post_norm, branch);
  const Stopwatch watch(times_.norm);
  backend_.add(context_, hidden, branch);
}

}  // namespace qk
