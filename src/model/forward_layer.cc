// A whole decoder layer, a chunk of tokens at a time.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "kernels/attention.h"
#include "model/forward_run.h"

namespace qk {
namespace {

// The part of an ascending list that lies in [begin, end).
std::span<const int32_t> between(std::span<const int32_t> rows, int64_t begin, int64_t end) {
  const auto first = std::ranges::lower_bound(rows, begin);
  return {first, std::ranges::lower_bound(first, rows.end(), end)};
}

// out[i] = x[rows[i] - first]; out may be x itself, since rows ascend.
void copy_rows(const float* x, int64_t width, std::span<const int32_t> rows, int64_t first,
               float* out) {
  for (const int32_t row : rows) {
    std::memmove(out, x + (row - first) * width, static_cast<size_t>(width) * sizeof(float));
    out += width;
  }
}

// Moves the rows `kept` (a subset of `rows`) of x [rows.size(), width] to the front.
void keep_rows(float* x, int64_t width, std::span<const int32_t> rows,
               std::span<const int32_t> kept) {
  if (kept.size() == rows.size()) return;
  size_t source = 0;
  for (size_t i = 0; i < kept.size(); ++i) {
    while (rows[source] < kept[i]) ++source;
    if (source == i) continue;
    std::memcpy(x + static_cast<int64_t>(i) * width, x + static_cast<int64_t>(source) * width,
                static_cast<size_t>(width) * sizeof(float));
  }
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
  const int64_t width = config_.num_attention_heads * config_.head_dim;
  keep_rows(query_.data(), width, chunk.query_rows, chunk.kept_rows);
  attend(chunk);
  const MatrixView hidden = kept_hidden(chunk, written);
  attention_output(chunk.layer, hidden);
  mlp(chunk.layer, hidden);
}

void ForwardRun::norm_chunk(const Chunk& chunk) {
  const Stopwatch watch(times_.norm);
  const MatrixView all = hidden_.matrix(num_tokens_, config_.hidden_size);
  backend_.rms_norm(pool_, all.slice(chunk.begin, chunk.end), weights(chunk.layer).input_norm,
                    static_cast<float>(config_.rms_norm_eps), block().norm,
                    normed_.matrix(chunk.end - chunk.begin, config_.hidden_size));
}

void ForwardRun::project(const Chunk& chunk, bool keys, bool queries) {
  const LayerWeights& layer = weights(chunk.layer);
  const int64_t rows = chunk.end - chunk.begin;
  const MatrixView x = normed_.matrix(rows, config_.hidden_size);
  const auto job = [](const WeightMatrix& weight, const std::vector<float>& bias,
                      const FloatBuffer& out, int64_t n) {
    return LinearJob{weight, bias.empty() ? nullptr : bias.data(), out.matrix(n, weight.rows)};
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
  copy_rows(x.data(), config_.hidden_size, chunk.query_rows, chunk.begin, some.data());
  const LinearJob query = job(layer.q_proj, layer.q_bias, query_, num_queries);
  linear(some, {&query, 1});
}

void ForwardRun::finish_keys(const Chunk& chunk, LayerTaps& taps) {
  const int64_t rows = chunk.end - chunk.begin;
  const int64_t heads = config_.num_key_value_heads;
  const TensorView<float, 3> keys = key_.heads(rows, heads, config_.head_dim);
  const TensorView<float, 3> values = value_.heads(rows, heads, config_.head_dim);
  head_norm(keys, weights(chunk.layer).k_norm);
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
    backend_.kv_store(pool_, caches_[static_cast<size_t>(part.sequence)],
                      chunk.begin + part.begin - start, keys.slice(part.begin, part.end),
                      values.slice(part.begin, part.end));
  }
}

void ForwardRun::finish_queries(const Chunk& chunk, LayerTaps& taps) {
  const TensorView<float, 3> queries =
      query_.heads(std::ssize(chunk.query_rows), config_.num_attention_heads, config_.head_dim);
  head_norm(queries, weights(chunk.layer).q_norm);
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
    backend_.attention(pool_, queries.slice(part.begin, part.end), here, caches_[s], shape,
                       mixed.slice(part.begin, part.end));
    for (const int32_t position : here) {
      const KeyRange seen = visible_keys(shape, position);
      times_.matmul_flop +=
          4.0 * static_cast<double>((seen.end - seen.begin) * heads * config_.head_dim);
    }
  }
}

// Where the chunk's output goes: in place, or, when only some rows live on, to the front.
MatrixView ForwardRun::kept_hidden(const Chunk& chunk, int64_t written) {
  const auto rows = std::ssize(chunk.kept_rows);
  const MatrixView all = hidden_.matrix(num_tokens_, config_.hidden_size);
  const MatrixView out = all.slice(written, written + rows);
  if (written != chunk.begin || rows != chunk.end - chunk.begin) {
    copy_rows(all.data(), config_.hidden_size, chunk.kept_rows, 0, out.data());
  }
  return out;
}

void ForwardRun::attention_output(int layer, MatrixView hidden) {
  const LayerWeights& w = weights(layer);
  const int64_t rows = hidden.dim(0);
  const bool sandwich = block().sandwich_norms;
  LinearJob job = {w.o_proj, w.o_bias.empty() ? nullptr : w.o_bias.data(), hidden,
                   /*accumulate=*/true};
  if (sandwich) {
    job.y = branch_.matrix(rows, config_.hidden_size);
    job.accumulate = false;
  }
  linear(mixed_.matrix(rows, w.o_proj.cols), {&job, 1});
  if (!sandwich) return;
  const Stopwatch watch(times_.norm);
  backend_.rms_norm(pool_, job.y, w.post_attention_norm, static_cast<float>(config_.rms_norm_eps),
                    block().norm, job.y);
  backend_.add(pool_, hidden, job.y);
}

void ForwardRun::mlp(int layer, MatrixView hidden) {
  const LayerWeights& w = weights(layer);
  const int64_t rows = hidden.dim(0);
  const auto eps = static_cast<float>(config_.rms_norm_eps);
  const MatrixView x = normed_.matrix(rows, config_.hidden_size);
  {
    const Stopwatch watch(times_.norm);
    backend_.rms_norm(pool_, hidden, w.pre_mlp_norm, eps, block().norm, x);
  }
  const auto bias = [](const std::vector<float>& b) { return b.empty() ? nullptr : b.data(); };
  const MatrixView gate = gate_.matrix(rows, config_.intermediate_size);
  const MatrixView up = up_.matrix(rows, config_.intermediate_size);
  const LinearJob both[] = {{w.gate_proj, bias(w.gate_bias), gate},
                            {w.up_proj, bias(w.up_bias), up}};
  linear(x, both);
  {
    const Stopwatch watch(times_.activation);
    backend_.gated_activation(pool_, gate, up, config_.hidden_act);
  }
  const bool sandwich = block().sandwich_norms;
  LinearJob down = {w.down_proj, bias(w.down_bias), hidden, /*accumulate=*/true};
  if (sandwich) {
    down.y = branch_.matrix(rows, config_.hidden_size);
    down.accumulate = false;
  }
  linear(gate, {&down, 1});
  if (!sandwich) return;
  const Stopwatch watch(times_.norm);
  backend_.rms_norm(pool_, down.y, w.post_mlp_norm, eps, block().norm, down.y);
  backend_.add(pool_, hidden, down.y);
}

}  // namespace qk
