// The state of one forward pass: what the parts of the layer loop (forward*.cc) share.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "model/buffer.h"
#include "model/forward.h"
#include "model/forward_plan.h"
#include "model/part_watch.h"
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
             const ForwardOptions& options, const Tap& tap, ForwardTimes* times);
  ForwardRun(const ForwardRun&) = delete;
  ForwardRun& operator=(const ForwardRun&) = delete;
  ~ForwardRun();
  void run();

 private:
  // Consecutive tokens [begin, end) of the batch: a block, whose normed hidden states are in
  // normed_, or the blocks whose queries wait together for attention.
  struct Chunk {
    int layer = 0;
    int64_t begin = 0, end = 0;
    std::span<const int32_t> rows;        // begin, ..., end - 1
    std::span<const int32_t> query_rows;  // of these: queries are computed
    std::span<const int32_t> kept_rows;   // of these: the layer's output is computed
  };

  void embed();
  void compute_layers();
  // Of a layer's weights, if they are streamed.
  void prefetch(int layer);
  void drop(int layer);
  void give_weights_back();
  LayerTaps& begin_taps(int layer);
  // Hands over what layers have given, except the newest if it may be under way.
  void emit_taps();
  void emit_first_taps();

  // A whole layer. kept: rows whose output is needed; hidden_ holds only those afterwards.
  void full_layer(int layer, std::span<const int32_t> kept);
  // Queries, and keys and values unless they are there, of a block; the queries go to query_ from
  // row `at` on.
  void project_block(const Chunk& block, int64_t at, LayerTaps& taps);
  // What comes after attention, of a block whose mixed values begin at row `at` of mixed_.
  void finish_block(const Chunk& block, int64_t at, int64_t written);
  void norm_chunk(const Chunk& chunk);
  void project(const Chunk& chunk, bool keys, bool queries, Heads query);
  void finish_keys(const Chunk& chunk, LayerTaps& taps);
  void finish_queries(const Chunk& chunk, Heads queries, LayerTaps& taps);
  void keep_queries(const Chunk& chunk);
  void attend(const Chunk& chunk);
  Matrix kept_hidden(const Chunk& chunk, int64_t written);
  void attention_output(int layer, Matrix mixed, Matrix hidden);
  void mlp(int layer, Matrix hidden);
  void add_branch(ConstMatrix x, const BoundMatrix& weight, BoundVector bias, BoundVector post_norm,
                  Matrix hidden);

  // The last layer: queries and keys of the requested heads at the requested rows, or, with
  // rows_depend_on_shape, of all heads and rows.
  void last_layer(int layer, std::span<const int32_t> present);
  void last_projection(int layer, bool queries, std::span<const int32_t> present, LayerTaps& taps);
  void project_heads(int layer, bool queries, std::span<const int32_t> heads, ConstMatrix x,
                     Heads out);
  void whole_last_layer(int layer);
  void whole_projection(const Chunk& block, bool queries, LayerTaps& taps);

  // Steps that both share.
  void norm(ConstMatrix x, BoundVector weight, Matrix out);
  void head_norm(Heads x, BoundVector weight);
  void take(LayerTaps& taps, Site site, ConstHeads x, std::span<const int32_t> rows,
            bool chosen_heads = false);
  void rotate(int layer, std::span<const int32_t> rows, Heads x);
  void scale_queries(std::span<const int32_t> rows, Heads x);
  void linear(ConstMatrix x, std::span<const LinearJob> jobs);
  std::vector<Segment> segments(std::span<const int32_t> rows) const;
  std::span<const int32_t> positions(std::span<const int32_t> rows);
  Heads query_heads(int64_t rows) const {
    return query_.heads(rows, config_.num_attention_heads, config_.head_dim);
  }
  Heads key_heads(int64_t rows) const {
    return key_.heads(rows, config_.num_key_value_heads, config_.head_dim);
  }
  Buffer buffer(int64_t bytes) const { return {backend_, context_, bytes}; }
  const Block& block() const { return model_.model().architecture->block; }

  const BoundModel& model_;
  const ModelConfig& config_;
  const Backend& backend_;
  Context& context_;
  const Sequences& sequences_;
  const TapRequest& request_;
  const Tap& tap_;
  ForwardTimes unused_times_;
  ForwardTimes& times_;
  PartClock clock_;

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
  std::deque<LayerTaps> taps_;  // of layers that were not handed over
};

}  // namespace qk
