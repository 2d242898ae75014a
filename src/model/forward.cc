#include "model/forward.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/stopwatch.h"
#include "model/forward_run.h"
#include "model/weight_pages.h"

namespace qk {
namespace {

std::vector<int64_t> sequence_lengths(const Sequences& sequences) {
  std::vector<int64_t> lengths;
  for (size_t s = 0; s + 1 < sequences.offsets.size(); ++s) {
    lengths.push_back(sequences.offsets[s + 1] - sequences.offsets[s]);
  }
  return lengths;
}

void check_sequences(const Sequences& sequences, int64_t embedding_rows) {
  const std::vector<int64_t> lengths = sequence_lengths(sequences);
  QK_CHECK(!sequences.offsets.empty() && sequences.offsets.front() == 0);
  QK_CHECK(sequences.offsets.back() == std::ssize(sequences.ids));
  QK_CHECK(sequences.full_lengths.size() == lengths.size());
  for (size_t s = 0; s < lengths.size(); ++s) {
    QK_CHECK(lengths[s] >= 0 && sequences.full_lengths[s] >= lengths[s]);
  }
  for (size_t i = 0; i < sequences.ids.size(); ++i) {
    const int32_t id = sequences.ids[i];
    if (id < 0 || id >= embedding_rows) {
      fail(
          "token {}: expected an id below {} (rows of the model's embedding), found {} (the "
          "tokenizer belongs to another model?)",
          i, embedding_rows, id);
    }
  }
}

}  // namespace

ForwardRun::ForwardRun(const BoundModel& model, const Sequences& sequences,
                       const TapRequest& request, const ForwardOptions& options, const Tap& tap,
                       ForwardTimes* times)
    : model_(model),
      config_(model.model().config),
      backend_(model.backend()),
      context_(model.context()),
      sequences_(sequences),
      request_(request),
      tap_(tap),
      times_(times != nullptr ? *times : unused_times_),
      clock_(backend_, context_, /*wanted=*/times != nullptr),
      stream_weights_(options.stream_weights),
      num_tokens_(std::ssize(sequences.ids)),
      plan_(plan_forward(config_, backend_.traits, num_tokens_, request)),
      sizes_(forward_sizes(model.model(), backend_, plan_, sequence_lengths(sequences), options)),
      all_rows_(static_cast<size_t>(num_tokens_)),
      hidden_(buffer(sizes_.hidden)),
      normed_(buffer(sizes_.normed)),
      query_(buffer(sizes_.query)),
      key_(buffer(sizes_.key)),
      value_(buffer(sizes_.value)),
      mixed_(buffer(sizes_.mixed)),
      gate_(buffer(sizes_.gate)),
      up_(buffer(sizes_.up)),
      branch_(buffer(sizes_.branch)),
      cos_(buffer(sizes_.rotary)),
      sin_(buffer(sizes_.rotary)),
      rope_tables_(model, sequences, plan_.rope_sets) {
  std::iota(all_rows_.begin(), all_rows_.end(), 0);
  for (size_t s = 0; s < sizes_.cache.size(); ++s) {
    const Buffer& memory = cache_memory_.emplace_back(buffer(sizes_.cache[s]));
    caches_.push_back({memory.data(), sequences.offsets[s + 1] - sequences.offsets[s],
                       config_.num_key_value_heads, config_.head_dim});
  }
}

// Tickets are finished in their order; a deque may destroy its elements in another.
ForwardRun::~ForwardRun() {
  while (!taps_.empty()) taps_.pop_front();
}

void ForwardRun::embed() {
  const PartWatch watch(clock_, times_.embedding);
  std::span<const int32_t> ids = sequences_.ids;
  std::vector<int32_t> chosen;
  if (plan_.layers.size() == 1) {
    for (const int32_t row : plan_.last_rows) {
      chosen.push_back(sequences_.ids[static_cast<size_t>(row)]);
    }
    ids = chosen;
  }
  const Matrix out = hidden_.matrix(std::ssize(ids), config_.hidden_size);
  for (int64_t begin = 0; begin < std::ssize(ids); begin += sizes_.embedding) {
    const int64_t count = std::min(sizes_.embedding, std::ssize(ids) - begin);
    backend_.embedding(context_, model_.model().embedding,
                       ids.subspan(static_cast<size_t>(begin), static_cast<size_t>(count)),
                       config_.embedding_scale, out.slice(begin, begin + count));
    if (stream_weights_) drop_embedding(model_.model());
  }
}

void ForwardRun::run() {
  if (plan_.layers.empty()) return;
  try {
    embed();
    compute_layers();
  } catch (...) {
    give_weights_back();
    throw;
  }
  while (!taps_.empty()) emit_first_taps();
  clock_.settle();
}

void ForwardRun::compute_layers() {
  // Operations that are done when they return leave no later moment to read ahead.
  const bool reads_ahead_first = !backend_.traits.asynchronous;
  for (size_t i = 0; i + 1 < plan_.layers.size(); ++i) {
    const bool below_last = i + 2 == plan_.layers.size();
    if (reads_ahead_first) prefetch(plan_.layers[i + 1]);
    full_layer(plan_.layers[i], below_last ? plan_.last_rows : all_rows_);
    if (!reads_ahead_first) prefetch(plan_.layers[i + 1]);
    drop(plan_.layers[i]);
  }
  if (backend_.traits.rows_depend_on_shape) {
    whole_last_layer(plan_.layers.back());
  } else {
    last_layer(plan_.layers.back(), plan_.last_rows);
  }
  drop(plan_.layers.back());
}

void ForwardRun::prefetch(int layer) {
  if (stream_weights_) backend_.prefetch_weights(context_, model_.layer(layer).matrices());
}

void ForwardRun::drop(int layer) {
  if (stream_weights_) backend_.drop_weights(context_, model_.layer(layer).matrices());
}

// The next pass begins with no layer in memory, as its plan says.
void ForwardRun::give_weights_back() {
  try {
    for (const int layer : plan_.layers) drop(layer);
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the pass has failed already
  }
}

LayerTaps& ForwardRun::begin_taps(int layer) {
  return taps_.emplace_back(model_, layer, request_, sequences_);
}

void ForwardRun::emit_taps() {
  const size_t under_way = backend_.traits.asynchronous ? 1 : 0;
  while (taps_.size() > under_way) emit_first_taps();
}

void ForwardRun::emit_first_taps() {
  const Stopwatch watch(times_.tap);
  taps_.front().emit(tap_);
  taps_.pop_front();
}

void forward(const BoundModel& model, const Sequences& sequences, const TapRequest& request,
             const ForwardOptions& options, const Tap& tap, ForwardTimes* times) {
  check_sequences(sequences, model.model().config.embedding_rows);
  ForwardRun(model, sequences, request, options, tap, times).run();
}

}  // namespace qk
