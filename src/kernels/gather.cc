#include "kernels/gather.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace qk {

void gather_rows_host(Context& /*context*/, ConstMatrixView x, std::span<const int32_t> rows,
                      MatrixView out) {
  QK_CHECK(out.dim(0) == std::ssize(rows) && out.dim(1) == x.dim(1));
  const auto bytes = static_cast<size_t>(x.dim(1)) * sizeof(float);
  for (int64_t i = 0; i < out.dim(0); ++i) {
    const int32_t row = rows[static_cast<size_t>(i)];
    QK_CHECK(0 <= row && row < x.dim(0));
    std::memmove(out[i].data(), x[row].data(), bytes);
  }
}

int64_t gather_taps_host(Context& /*context*/, ConstHeads source, std::span<const int32_t> rows,
                         std::span<const int32_t> heads, TensorView<float, 3> out) {
  const TensorView<const float, 3> x = source.numbers();
  QK_CHECK(out.dim(0) == std::ssize(rows) && out.dim(1) == std::ssize(heads));
  QK_CHECK(out.dim(2) == x.dim(2));
  for (const int32_t head : heads) QK_CHECK(0 <= head && head < x.dim(1));
  const auto bytes = static_cast<size_t>(x.dim(2)) * sizeof(float);
  for (int64_t i = 0; i < out.dim(0); ++i) {
    const int32_t row = rows[static_cast<size_t>(i)];
    QK_CHECK(0 <= row && row < x.dim(0));
    for (int64_t j = 0; j < out.dim(1); ++j) {
      std::memcpy(out[i][j].data(), x[row][heads[static_cast<size_t>(j)]].data(), bytes);
    }
    const std::span<const float> vectors = out[i].flat();
    if (!std::ranges::all_of(vectors, [](float value) { return std::isfinite(value); })) return i;
  }
  return out.dim(0);
}

int64_t finish_taps_host(Context& /*context*/, int64_t ticket) { return ticket; }

}  // namespace qk
