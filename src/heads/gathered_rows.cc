#include "heads/gathered_rows.h"

#include "base/error.h"
#include "heads/pair_kernels.h"

namespace qk {

GatheredRows::GatheredRows(const HeadTable& table, std::span<const int64_t> rows,
                           std::span<const double> origin)
    : rows_(static_cast<int64_t>(rows.size())), dim_(table.head_dim) {
  const auto d = static_cast<size_t>(dim_);
  QK_CHECK(origin.empty() || origin.size() == d);
  values_.resize(rows.size() * d);
  for (size_t r = 0; r < rows.size(); ++r) {
    const std::span<const float> vector = table.vector(rows[r]);
    double* out = values_.data() + r * d;
    for (size_t j = 0; j < d; ++j) out[j] = static_cast<double>(vector[j]);
    for (size_t j = 0; j < origin.size(); ++j) out[j] -= origin[j];
  }
}

VectorBlocks difference_blocks(const HeadTable& keys, std::span<const KeyPair> pairs) {
  std::vector<double> rows(pairs.size() * static_cast<size_t>(keys.head_dim));
  subtract_keys(keys, pairs, rows);
  return blocks_of(rows, keys.head_dim);
}

VectorBlocks blocks_of(std::span<const double> rows, int64_t dim) {
  QK_CHECK(dim >= 1 && rows.size() % static_cast<size_t>(dim) == 0);
  VectorBlocks out(static_cast<int64_t>(rows.size()) / dim, dim);
  for (int64_t n = 0; n < out.count; ++n) {
    for (int64_t j = 0; j < dim; ++j) out.at(n, j) = rows[static_cast<size_t>(n * dim + j)];
  }
  return out;
}

}  // namespace qk
