#include "kernels/rope_table.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace qk {

void rope_table_host(Context& context, std::span<const float> frequencies, float attention_factor,
                     int64_t first, MatrixView cos, MatrixView sin) {
  constexpr int64_t kRowsPerTask = 64;
  const int64_t rows = cos.dim(0);
  QK_CHECK(cos.shape() == sin.shape() && cos.dim(1) == std::ssize(frequencies));
  context.pool.parallel_for((rows + kRowsPerTask - 1) / kRowsPerTask, [&](int64_t task, int) {
    const int64_t end = std::min((task + 1) * kRowsPerTask, rows);
    for (int64_t row = task * kRowsPerTask; row < end; ++row) {
      const auto position = static_cast<float>(first + row);
      float* cos_row = cos[row].data();
      float* sin_row = sin[row].data();
      for (size_t i = 0; i < frequencies.size(); ++i) {
        const double angle{position * frequencies[i]};
        cos_row[i] = static_cast<float>(std::cos(angle)) * attention_factor;
        sin_row[i] = static_cast<float>(std::sin(angle)) * attention_factor;
      }
    }
  });
}

}  // namespace qk
