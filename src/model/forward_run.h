// The state of one forward pass: what the parts of the layer loop (forward*.cc) share.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/stopwatch.h"
#include "model/buffer.h"
#include "model/forward.h"
#include "model/forward_plan.h"
#include "model/rope_tables.h"
#include "model/tap_buffer.h"

namespace qk {

// Tokens of one sequence within a list of rows: rows[begin, end) belong to `sequence`.
struct Segment {
  int64_t sequence = 0;
  int64_t begin = 0, end = 0;
};

class ForwardRun {
 public:
  ForwardRun(const BoundModel& model, const Sequences& sequences, const TapRequest& request,
             const ForwardOptions& options, const Tap& tap, ForwardTimes& times);
  void run();

 private:
  // Taps of one layer, at the sites that are asked for.
  struct LayerTaps {
    TapBuffer query_pre, query_post, key_pre, key_post;
  };
  // Consecutive tokens [begin, end) of the batch, their normed hidden states in normed_.
  struct Chunk {
    int layer = 0;
    int64_t begin = 0, end = 0;
    std::span<const int32_t> rows;        // begin, ..., end - 1
    std::span<const int32_t> query_rows;  // of these: queries are computed
    std::span<const int32_t> kept_rows;   // of these: the layer's output is computed
  };

  void embed();
  LayerTaps make_taps(int layer) const;
  void emit(const LayerTaps& taps) const;

  // A whole layer. kept: rows whose output is needed; hidden_ holds only those afterwards.
  void full_layer(int layer, std::span<const int32_t> kept);
  void layer_chunk(const Chunk& chunk, int64_t written, LayerTaps& taps);
  void norm_chunk(const Chunk& chunk);
  void project(const Chunk& chunk, bool keys, bool queries);
  void finish_keys(const Chunk& chunk, LayerTaps& taps);
  void finish_queries(const Chunk& chunk, LayerTaps& taps);
  void keep_queries(const Chunk& chunk);
  void attend(const Chunk& chunk);
  MatrixView kept_hidden(const Chunk& chunk, int64_t written);
  void attention_output(int layer, MatrixView hidden);
  void mlp(int layer, MatrixView hidden);
  void add_branch(ConstMatrixView x, const BoundMatrix& weight, BoundVector bias,
                  BoundVector post_norm, MatrixView hidden);

  // The last layer: queries and keys of the requested heads at the requested rows.
  void last_layer(int layer, std::span<const int32_t> present);
  void last_projection(int layer, bool queries, std::span<const int32_t> present, TapBuffer& pre,
                       TapBuffer& post);
  void project_heads(int layer, bool queries, std::span<const int32_t> heads, ConstMatrixView x,
                     TensorView<float, 3> out);

  // Steps that both share. x [rows, heads, head_dim].
  void norm(ConstMatrixView x, BoundVector weight, MatrixView out);
  void head_norm(TensorView<float, 3> x, BoundVector weight);
  void rotate(int layer, std::span<const int32_t> rows, TensorView<float, 3> x);
  void scale_queries(std::span<const int32_t> rows, TensorView<float, 3> x);
  void linear(ConstMatrixView x, std::span<const LinearJob> jobs);
  std::vector<Segment> segments(std::span<const int32_t> rows) const;
  std::span<const int32_t> positions(std::span<const int32_t> rows);
  Buffer buffer(int64_t bytes) const { return {backend_, context_, bytes}; }
  const Block& block() const { return model_.model().architecture->block; }

  const BoundModel& model_;
  const ModelConfig& config_;
  const Backend& backend_;
  Context& context_;
  const Sequences& sequences_;
  const TapRequest& request_;
  const Tap& tap_;
  ForwardTimes& times_;

  bool stream_weights_;
  int64_t num_tokens_;
  ForwardPlan plan_;
  ForwardSizes sizes_;
  std::vector<int32_t> all_rows_;   // 0, 1, ..., num_tokens - 1
  std::vector<int32_t> positions_;  // work list of `positions`
  Buffer hidden_, normed_, query_, key_, value_, mixed_, gate_, up_, branch_, cos_, sin_;
  std::vector<Buffer> cache_memory_;
  std::vector<KeyValueCache> caches_;  // [sequences], of the current layer
  RopeTables rope_tables_;
};

}  // namespace qk
