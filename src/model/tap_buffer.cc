#include "model/tap_buffer.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "model/row_places.h"

namespace qk {
namespace {

[[noreturn]] void refuse_not_finite(int layer, Site site, int32_t row, const Sequences& sequences) {
  const auto next = std::ranges::upper_bound(sequences.offsets, row);
  const auto sequence = (next - sequences.offsets.begin()) - 1;
  const bool query = site == Site::kQueryPreRope || site == Site::kQueryPostRope;
  throw NotFinite(layer, query, sequence, row - sequences.offsets[static_cast<size_t>(sequence)]);
}

}  // namespace

NotFinite::NotFinite(int layer, bool is_query, int64_t sequence, int64_t token)
    : Error(fmt::format(
          "layer {}: expected finite {}, found NaN or infinity in sequence {} of the batch at "
          "token {} (damaged weights, or activations that overflow)",
          layer, is_query ? "queries" : "keys", sequence, token)),
      layer_(layer),
      is_query_(is_query),
      sequence_(sequence),
      token_(token) {}

TapBuffer::TapBuffer(const BoundModel& model, int layer, Site site, std::span<const int32_t> rows,
                     std::span<const int32_t> heads)
    : model_(&model),
      layer_(layer),
      site_(site),
      rows_(rows),
      heads_(heads),
      values_(
          model.backend(), model.context(),
          activation_bytes(std::ssize(rows) * std::ssize(heads) * model.model().config.head_dim),
          Memory::kHost) {}

TensorView<float, 3> TapBuffer::values() const {
  return values_.heads(std::ssize(rows_), std::ssize(heads_), model_->model().config.head_dim);
}

void TapBuffer::take(TensorView<const float, 3> x, std::span<const int32_t> source_rows,
                     const Sequences& sequences, bool chosen_heads) {
  if (heads_.empty() || source_rows.empty()) return;
  const auto left = rows_.subspan(static_cast<size_t>(taken_));
  const auto here = left.first(
      static_cast<size_t>(std::ranges::upper_bound(left, source_rows.back()) - left.begin()));
  if (here.empty()) return;
  std::vector<int32_t> heads(heads_.begin(), heads_.end());
  if (chosen_heads) std::iota(heads.begin(), heads.end(), 0);
  const int64_t end = taken_ + std::ssize(here);
  const int64_t finite = model_->backend().gather_taps(
      model_->context(), x, row_places(here, source_rows), heads, values().slice(taken_, end));
  if (finite < std::ssize(here)) {
    refuse_not_finite(layer_, site_, here[static_cast<size_t>(finite)], sequences);
  }
  taken_ = end;
}

void TapBuffer::emit(const Tap& tap) const {
  if (rows_.empty() || heads_.empty()) return;
  QK_CHECK(taken_ == std::ssize(rows_));
  tap(layer_, site_, values());
}

}  // namespace qk
