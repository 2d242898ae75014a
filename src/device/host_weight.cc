#include "device/host_weight.h"

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

int32_t read_rows(const void* source, int64_t first, int64_t count, float* out) {
  const auto& weight = *static_cast<const WeightMatrix*>(source);
  for (int64_t row = 0; row < count; ++row) {
    widen_row(weight.dtype, weight.row(first + row), 0, weight.cols, out + row * weight.cols);
  }
  return 0;
}

}  // namespace

HostWeight::HostWeight(const WeightMatrix& weight) : weight_(weight) {}

HostWeight::HostWeight(std::span<const float> vector)
    : weight_{.data = reinterpret_cast<const std::byte*>(vector.data()),
              .dtype = DType::kF32,
              .rows = 1,
              .cols = std::ssize(vector),
              .stride_bytes = std::ssize(vector) * static_cast<int64_t>(sizeof(float))} {}

QkHostWeight HostWeight::view() const {
  const int32_t type = plain_type(weight_.dtype);
  const bool dense = type != QK_OTHER_TYPE && weight_.head_rows == 0 &&
                     weight_.stride_bytes == row_bytes(weight_.dtype, weight_.cols);
  return {.data = dense ? weight_.data : nullptr,
          .type = type,
          .rows = weight_.rows,
          .cols = weight_.cols,
          .read_rows = read_rows,
          .source = &weight_};
}

}  // namespace qk
