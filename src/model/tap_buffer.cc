#include "model/tap_buffer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace qk {
namespace {

bool all_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

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

TapBuffer::TapBuffer(int layer, Site site, std::span<const int32_t> rows,
                     std::span<const int32_t> heads, int64_t head_dim)
    : layer_(layer),
      site_(site),
      rows_(rows),
      heads_(heads),
      head_dim_(head_dim),
      values_(std::ssize(rows) * std::ssize(heads) * head_dim) {}

void TapBuffer::take(TensorView<const float, 3> x, std::span<const int32_t> source_rows,
                     const Sequences& sequences, bool chosen_heads) {
  if (heads_.empty()) return;
  const auto num_heads = std::ssize(heads_);
  const int64_t row_size = num_heads * head_dim_;
  int64_t source = 0;
  for (; taken_ < std::ssize(rows_); ++taken_) {
    const int32_t row = rows_[static_cast<size_t>(taken_)];
    while (source < std::ssize(source_rows) && source_rows[static_cast<size_t>(source)] < row) {
      ++source;
    }
    if (source == std::ssize(source_rows)) return;
    QK_CHECK(source_rows[static_cast<size_t>(source)] == row);
    float* out = values_.data() + taken_ * row_size;
    for (int64_t i = 0; i < num_heads; ++i) {
      const int64_t head = chosen_heads ? i : heads_[static_cast<size_t>(i)];
      std::memcpy(out + i * head_dim_, x[source][head].data(),
                  static_cast<size_t>(head_dim_) * sizeof(float));
    }
    if (!all_finite({out, static_cast<size_t>(row_size)})) {
      refuse_not_finite(layer_, site_, row, sequences);
    }
  }
}

void TapBuffer::emit(const Tap& tap) const {
  if (rows_.empty() || heads_.empty()) return;
  QK_CHECK(taken_ == std::ssize(rows_));
  tap(layer_, site_, values_.heads(std::ssize(rows_), std::ssize(heads_), head_dim_));
}

}  // namespace qk
