// The last layer of a pass: nothing but the queries and keys that are asked for.
#include <algorithm>

#include "model/forward_run.h"
#include "model/row_places.h"

namespace qk {

void ForwardRun::last_layer(int layer, std::span<const int32_t> present) {
  LayerTaps& taps = begin_taps(layer);
  last_projection(layer, /*queries=*/true, present, taps);
  last_projection(layer, /*queries=*/false, present, taps);
  emit_taps();
}

void ForwardRun::last_projection(int layer, bool queries, std::span<const int32_t> present,
                                 LayerTaps& taps) {
  const LayerRequest& wanted = request_.layers[static_cast<size_t>(layer)];
  const std::span<const int32_t> rows = queries ? wanted.query_rows : wanted.key_rows;
  const std::span<const int32_t> heads = queries ? wanted.query_heads : wanted.key_heads;
  if (heads.empty()) return;
  const BoundLayer& weights = model_.layer(layer);
  const Matrix hidden = hidden_.matrix(std::ssize(present), config_.hidden_size);
  for (int64_t begin = 0; begin < std::ssize(rows); begin += sizes_.block) {
    const int64_t count = std::min(sizes_.block, std::ssize(rows) - begin);
    const auto here = rows.subspan(static_cast<size_t>(begin), static_cast<size_t>(count));
    const Matrix x = normed_.matrix(count, config_.hidden_size);
    backend_.gather_rows(context_, hidden, row_places(here, present), x);
    norm(x, weights.input_norm, x);
    const Heads out = (queries ? query_ : key_).heads(count, std::ssize(heads), config_.head_dim);
    project_heads(layer, queries, heads, x, out);
    head_norm(out, queries ? weights.q_norm : weights.k_norm);
    take(taps, queries ? Site::kQueryPreRope : Site::kKeyPreRope, out, here, /*chosen_heads=*/true);
    rotate(layer, here, out);
    if (queries) scale_queries(here, out);
    take(taps, queries ? Site::kQueryPostRope : Site::kKeyPostRope, out, here,
         /*chosen_heads=*/true);
  }
}

void ForwardRun::whole_last_layer(int layer) {
  LayerTaps& taps = begin_taps(layer);
  const LayerRequest& wanted = request_.layers[static_cast<size_t>(layer)];
  for (const TokenRange& range : token_ranges(backend_.traits, sequences_.offsets, sizes_.block)) {
    const std::span<const int32_t> rows = std::span(all_rows_).subspan(
        static_cast<size_t>(range.begin), static_cast<size_t>(range.end - range.begin));
    const Chunk block{layer, range.begin, range.end, rows, rows, rows};
    norm_chunk(block);
    if (!wanted.query_heads.empty()) whole_projection(block, /*queries=*/true, taps);
    if (!wanted.key_heads.empty()) whole_projection(block, /*queries=*/false, taps);
  }
  emit_taps();
}

void ForwardRun::whole_projection(const Chunk& block, bool queries, LayerTaps& taps) {
  const BoundLayer& weights = model_.layer(block.layer);
  const int64_t rows = block.end - block.begin;
  const Heads out = queries ? query_heads(rows) : key_heads(rows);
  const LinearJob job{.weight = queries ? weights.q_proj : weights.k_proj,
                      .bias = queries ? weights.q_bias : weights.k_bias,
                      .y = out.flat()};
  linear(normed_.matrix(rows, config_.hidden_size), {&job, 1});
  if (queries) {
    finish_queries(block, out, taps);
    return;
  }
  head_norm(out, weights.k_norm);
  take(taps, Site::kKeyPreRope, out, block.rows);
  rotate(block.layer, block.rows, out);
  take(taps, Site::kKeyPostRope, out, block.rows);
}

void ForwardRun::project_heads(int layer, bool queries, std::span<const int32_t> heads,
                               ConstMatrix x, Heads out) {
  const BoundLayer& w = model_.layer(layer);
  const int64_t rows = x.rows;
  const int64_t dim = config_.head_dim;
  // One job per run of neighbouring heads, each with a dense output of its own: first the vectors
  // of the first run [rows, its heads], then those of the second, ...
  const bool one_run = heads.back() - heads.front() + 1 == std::ssize(heads);
  const int64_t num_vectors = rows * std::ssize(heads);
  const Matrix by_run =
      one_run ? out.vectors() : (queries ? mixed_ : value_).matrix(num_vectors, dim);
  std::vector<LinearJob> jobs;
  std::vector<int32_t> places(static_cast<size_t>(num_vectors));  // of out's vectors in by_run
  for (int64_t begin = 0; begin < std::ssize(heads);) {
    int64_t end = begin + 1;
    const int64_t head = heads[static_cast<size_t>(begin)];
    while (end < std::ssize(heads) && heads[static_cast<size_t>(end)] == head + end - begin) ++end;
    const int64_t width = end - begin;
    const Matrix run = by_run.slice(begin * rows, end * rows);
    const Matrix y(run.data, run.dtype, rows, width * dim);
    jobs.push_back({.weight = queries ? w.q_proj : w.k_proj,
                    .bias = queries ? w.q_bias : w.k_bias,
                    .y = y,
                    .first_row = head * dim});
    for (int64_t i = 0; i < rows * width; ++i) {
      const int64_t vector = i / width * std::ssize(heads) + begin + i % width;
      places[static_cast<size_t>(vector)] = static_cast<int32_t>(begin * rows + i);
    }
    begin = end;
  }
  linear(x, jobs);
  if (one_run) return;
  backend_.gather_rows(context_, by_run, places, out.vectors());
}

}  // namespace qk
