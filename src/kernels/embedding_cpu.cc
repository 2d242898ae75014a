#include "base/error.h"
#include "kernels/embedding.h"
#include "kernels/row_blocks.h"
#include "kernels/widen.h"

namespace qk {

void embedding_cpu(Context& context, const WeightMatrix& table, std::span<const int32_t> ids,
                   float scale, MatrixView out) {
  QK_CHECK(out.dim(0) == static_cast<int64_t>(ids.size()) && out.dim(1) == table.cols);
  for_row_blocks(context, out.dim(0), out.dim(1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      QK_CHECK(0 <= ids[i] && ids[i] < table.rows);
      float* row = out[i].data();
      widen_row(table.dtype, table.row(ids[i]), 0, table.cols, row);
      if (scale == 1.0F) continue;
      for (int64_t c = 0; c < table.cols; ++c) row[c] *= scale;
    }
  });
}

}  // namespace qk
