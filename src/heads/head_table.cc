#include "heads/head_table.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace qk {

namespace {

struct PositionSpan {
  int64_t lowest = 0;
  int64_t highest = 0;
};

PositionSpan span_of(const HeadTable& table) {
  QK_CHECK(table.num_rows() > 0);
  const auto [lowest, highest] =
      std::minmax_element(table.positions.begin(), table.positions.end());
  return {*lowest, *highest};
}

int64_t origin_of(const PositionSpan& span) {
  constexpr int64_t kFar = int64_t{1} << 20;
  if (span.lowest < kFar) return 0;
  const auto step =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(span.highest - span.lowest) + 1));
  return span.lowest / step * step;
}

}  // namespace

int64_t position_origin(const HeadTable& table) { return origin_of(span_of(table)); }

int64_t position_origin(const HeadTable& queries, const HeadTable& keys) {
  const PositionSpan a = span_of(queries);
  const PositionSpan b = span_of(keys);
  return origin_of({std::min(a.lowest, b.lowest), std::max(a.highest, b.highest)});
}

void orient(HeadTable& table, std::span<const float> signs) {
  QK_CHECK(static_cast<int64_t>(signs.size()) == table.head_dim);
  float* row = table.vectors.data();
  for (int64_t i = 0; i < table.num_rows(); ++i, row += table.head_dim) {
    for (size_t j = 0; j < signs.size(); ++j) row[j] *= signs[j];
  }
}

HeadTable take_rows(const HeadTable& table, std::span<const int64_t> rows) {
  HeadTable out;
  out.head_dim = table.head_dim;
  out.window = table.window;
  out.has_large_ids = table.has_large_ids;
  out.positions.reserve(rows.size());
  out.buckets.reserve(rows.size());
  out.vectors.reserve(rows.size() * static_cast<size_t>(table.head_dim));
  for (const int64_t row : rows) {
    QK_CHECK(row >= 0 && row < table.num_rows());
    const auto index = static_cast<size_t>(row);
    out.positions.push_back(table.positions[index]);
    out.buckets.push_back(table.buckets[index]);
    if (!table.example_ids.empty()) out.example_ids.push_back(table.example_ids[index]);
    const std::span<const float> vector = table.vector(row);
    out.vectors.insert(out.vectors.end(), vector.begin(), vector.end());
  }
  return out;
}

}  // namespace qk
