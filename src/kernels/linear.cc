#include "kernels/linear.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/mapped_weight.h"

namespace qk {
namespace {

constexpr int64_t kLargestBlock = 768;
constexpr int64_t kBlockUnit = 256;  // of which every stored block type is a divisor

}  // namespace

int64_t linear_block(int64_t in) {
  const int64_t blocks = std::max<int64_t>(1, (in + kLargestBlock - 1) / kLargestBlock);
  const int64_t even = (in + blocks - 1) / blocks;
  return std::max(kBlockUnit, (even + kBlockUnit - 1) / kBlockUnit * kBlockUnit);
}

void check_linear(ConstMatrixView x, std::span<const LinearJob> jobs) {
  for (const LinearJob& job : jobs) {
    const int64_t end_row = job.first_row + job.y.cols;
    QK_CHECK(job.weight.cols == x.dim(1) && job.y.rows == x.dim(0));
    QK_CHECK(0 <= job.first_row && end_row <= job.weight.rows);
    QK_CHECK(job.bias.absent() || end_row <= job.bias.size);
  }
}

std::vector<MappedJob> mapped_jobs(std::span<const LinearJob> jobs) {
  std::vector<MappedJob> out;
  for (const LinearJob& job : jobs) {
    out.push_back({mapped(job.weight).rows_slice(job.first_row, job.first_row + job.y.cols),
                   job.bias.absent() ? nullptr : mapped(job.bias) + job.first_row, job.y.numbers(),
                   job.accumulate});
  }
  return out;
}

}  // namespace qk
