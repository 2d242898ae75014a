#include "kernels/linear.h"

#include <algorithm>

#include "base/error.h"

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
    QK_CHECK(job.weight.cols == x.dim(1));
    QK_CHECK(job.y.dim(0) == x.dim(0) && job.y.dim(1) == job.weight.rows);
  }
}

}  // namespace qk
