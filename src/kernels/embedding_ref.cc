#include "base/error.h"
#include "kernels/embedding.h"
#include "kernels/widen.h"

namespace qk {

void embedding_ref(Context& /*context*/, const WeightMatrix& table, std::span<const int32_t> ids,
                   float scale, MatrixView out) {
  QK_CHECK(out.dim(0) == static_cast<int64_t>(ids.size()) && out.dim(1) == table.cols);
  for (size_t i = 0; i < ids.size(); ++i) {
    QK_CHECK(0 <= ids[i] && ids[i] < table.rows);
    float* row = out[static_cast<int64_t>(i)].data();
    widen_row_ref(table.dtype, table.row(ids[i]), 0, table.cols, row);
    for (int64_t c = 0; c < table.cols; ++c) row[c] *= scale;
  }
}

}  // namespace qk
