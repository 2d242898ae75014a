#include "device/host_weight.h"

#include <algorithm>

#include "kernels/mapped_weight.h"
#include "kernels/widen.h"

namespace qk {
namespace {

int32_t plain_type(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return QK_F32;
    case DType::kF16:
      return QK_F16;
    case DType::kBF16:
      return QK_BF16;
    default:
      return QK_OTHER_TYPE;
  }
}

// Rows that a task widens: about as many numbers as are worth one.
constexpr int64_t kNumbersPerTask = int64_t{1} << 16;

}  // namespace

HostWeight::HostWeight(const WeightMatrix& weight, ThreadPool& pool)
    : weight_(weight), pool_(&pool), mapped_(true) {}

HostWeight::HostWeight(std::span<const float> vector, ThreadPool& pool)
    : weight_{.data = reinterpret_cast<const std::byte*>(vector.data()),
              .dtype = DType::kF32,
              .rows = 1,
              .cols = std::ssize(vector),
              .stride_bytes = std::ssize(vector) * static_cast<int64_t>(sizeof(float))},
      pool_(&pool),
      mapped_(false) {}

int32_t HostWeight::read_rows(const void* source, int64_t first, int64_t count, float* out) {
  const auto& self = *static_cast<const HostWeight*>(source);
  const WeightMatrix& weight = self.weight_;
  const int64_t step = std::max<int64_t>(1, kNumbersPerTask / std::max<int64_t>(1, weight.cols));
  const auto widen = [&](int64_t task, int /*thread*/) {
    const int64_t end = std::min(count, (task + 1) * step);
    for (int64_t row = task * step; row < end; ++row) {
      widen_row(weight.dtype, weight.row(first + row), 0, weight.cols, out + row * weight.cols);
    }
  };
  if (count <= step) {
    widen(0, 0);
  } else {
    self.pool_->parallel_for((count + step - 1) / step, widen);
  }
  return 0;
}

void HostWeight::release(const void* source) {
  drop_pages(static_cast<const HostWeight*>(source)->weight_);
}

QkHostWeight HostWeight::view() const {
  const int32_t type = plain_type(weight_.dtype);
  const bool dense = type != QK_OTHER_TYPE && weight_.head_rows == 0 &&
                     weight_.stride_bytes == row_bytes(weight_.dtype, weight_.cols);
  return {.data = dense ? weight_.data : nullptr,
          .type = type,
          .rows = weight_.rows,
          .cols = weight_.cols,
          .read_rows = read_rows,
          .release = mapped_ ? release : nullptr,
          .source = this};
}

}  // namespace qk
