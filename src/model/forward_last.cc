// The last layer of a pass: nothing but the queries and keys that are asked for.
#include <algorithm>
#include <cstring>

#include "model/forward_run.h"

namespace qk {

void ForwardRun::last_layer(int layer, std::span<const int32_t> present) {
  LayerTaps taps = make_taps(layer);
  last_projection(layer, /*queries=*/true, present, taps.query_pre, taps.query_post);
  last_projection(layer, /*queries=*/false, present, taps.key_pre, taps.key_post);
  emit(taps);
}

void ForwardRun::last_projection(int layer, bool queries, std::span<const int32_t> present,
                                 TapBuffer& pre, TapBuffer& post) {
  const LayerRequest& wanted = request_.layers[static_cast<size_t>(layer)];
  const std::span<const int32_t> rows = queries ? wanted.query_rows : wanted.key_rows;
  const std::span<const int32_t> heads = queries ? wanted.query_heads : wanted.key_heads;
  if (heads.empty()) return;
  const MatrixView hidden = hidden_.matrix(std::ssize(present), config_.hidden_size);
  for (int64_t begin = 0; begin < std::ssize(rows); begin += sizes_.chunk) {
    const int64_t count = std::min(sizes_.chunk, std::ssize(rows) - begin);
    const auto here = rows.subspan(static_cast<size_t>(begin), static_cast<size_t>(count));
    const MatrixView x = normed_.matrix(count, config_.hidden_size);
    auto found = std::ranges::lower_bound(present, here.front());
    for (int64_t i = 0; i < count; ++i) {
      found = std::ranges::lower_bound(found, present.end(), here[static_cast<size_t>(i)]);
      std::memcpy(x[i].data(), hidden[found - present.begin()].data(),
                  static_cast<size_t>(config_.hidden_size) * sizeof(float));
    }
    {
      const Stopwatch watch(times_.norm);
      backend_.rms_norm(pool_, x, weights(layer).input_norm,
                        static_cast<float>(config_.rms_norm_eps), block().norm, x);
    }
    const TensorView<float, 3> out =
        (queries ? query_ : key_).heads(count, std::ssize(heads), config_.head_dim);
    project_heads(layer, queries, heads, x, out);
    head_norm(out, queries ? weights(layer).q_norm : weights(layer).k_norm);
    pre.take(out, here, sequences_, /*chosen_heads=*/true);
    rotate(layer, here, out);
    if (queries) scale_queries(here, out);
    post.take(out, here, sequences_, /*chosen_heads=*/true);
  }
}

void ForwardRun::project_heads(int layer, bool queries, std::span<const int32_t> heads,
                               ConstMatrixView x, TensorView<float, 3> out) {
  const LayerWeights& w = weights(layer);
  const WeightMatrix& weight = queries ? w.q_proj : w.k_proj;
  const std::vector<float>& bias = queries ? w.q_bias : w.k_bias;
  const int64_t rows = x.dim(0);
  const int64_t dim = config_.head_dim;
  // One job per run of neighbouring heads, each with a dense output of its own.
  const bool one_run = heads.back() - heads.front() + 1 == std::ssize(heads);
  float* staging = one_run ? out.data() : (queries ? mixed_ : value_).data();
  std::vector<LinearJob> jobs;
  std::vector<int64_t> first_head;  // of each job, in `heads`
  for (int64_t begin = 0; begin < std::ssize(heads);) {
    int64_t end = begin + 1;
    const int64_t head = heads[static_cast<size_t>(begin)];
    while (end < std::ssize(heads) && heads[static_cast<size_t>(end)] == head + end - begin) ++end;
    const WeightMatrix part = weight.rows_slice(head * dim, (head + end - begin) * dim);
    jobs.push_back({part, bias.empty() ? nullptr : bias.data() + head * dim,
                    MatrixView(staging + begin * dim * rows, {rows, part.rows})});
    first_head.push_back(begin);
    begin = end;
  }
  linear(x, jobs);
  if (one_run) return;
  for (size_t j = 0; j < jobs.size(); ++j) {
    for (int64_t row = 0; row < rows; ++row) {
      std::memcpy(out[row][first_head[j]].data(), jobs[j].y[row].data(),
                  static_cast<size_t>(jobs[j].y.dim(1)) * sizeof(float));
    }
  }
}

}  // namespace qk
