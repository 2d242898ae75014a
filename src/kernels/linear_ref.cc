#include <vector>

#include "kernels/linear.h"
#include "kernels/widen.h"

namespace qk {

void linear_ref(Context& /*context*/, ConstMatrixView x, std::span<const LinearJob> jobs) {
  check_linear(x, jobs);
  std::vector<float> row(static_cast<size_t>(x.dim(1)));
  for (const MappedJob& job : mapped_jobs(jobs)) {
    for (int64_t j = 0; j < job.weight.rows; ++j) {
      widen_row_ref(job.weight.dtype, job.weight.row(j), 0, job.weight.cols, row.data());
      for (int64_t i = 0; i < x.dim(0); ++i) {
        double sum = job.bias != nullptr ? double{job.bias[j]} : 0.0;
        for (int64_t c = 0; c < x.dim(1); ++c) sum += double{*x[i][c]} * row[c];
        float* y = job.y[i][j];
        *y = static_cast<float>(job.accumulate ? double{*y} + sum : sum);
      }
    }
  }
}

}  // namespace qk
