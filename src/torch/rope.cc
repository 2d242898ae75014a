#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>

#include <string>

#include "torch/errors.h"
#include "torch/operations.h"

namespace qk_torch {
namespace {

// rotate_half of transformers; x [rows, heads, 2 n]
at::Tensor rotated(const at::Tensor& x, int32_t layout) {
  const int64_t half = x.size(-1) / 2;
  if (layout == QK_ROPE_HALVES) {
    return at::cat({at::neg(x.narrow(-1, half, half)), x.narrow(-1, 0, half)}, -1);
  }
  const at::Tensor pairs = x.unflatten(-1, {half, 2});
  return at::stack({at::neg(pairs.select(-1, 1)), pairs.select(-1, 0)}, -1).flatten(-2);
}

// [rows, n] as a factor of every head's 2 n components
at::Tensor spread(const at::Tensor& table, int32_t layout) {
  const at::Tensor both = layout == QK_ROPE_HALVES ? at::cat({table, table}, -1)
                                                   : at::stack({table, table}, -1).flatten(-2);
  return both.unsqueeze(1);
}

}  // namespace

void rope_table(QkDevice& device, const float* frequencies, int64_t count, float factor,
                int64_t first, const QkMatrix& cos, const QkMatrix& sin) {
  if (cos.rows == 0 || count == 0) return;
  const auto options = at::TensorOptions().dtype(c10::ScalarType::Float).device(device.device);
  const at::Tensor inverse = upload(device, frequencies, count, c10::ScalarType::Float);
  const at::Tensor positions =
      at::arange(first, first + cos.rows, options.dtype(c10::ScalarType::Long))
          .to(c10::ScalarType::Float);
  // Both halves, as transformers does: the functions below are faster on whole vectors, and their
  // last bit may depend on where in an array a number stands.
  const at::Tensor angles =
      at::matmul(inverse.view({1, count, 1}), positions.view({1, 1, cos.rows})).transpose(1, 2);
  const at::Tensor twice = at::cat({angles, angles}, -1);
  view(device, cos).copy_((at::cos(twice) * factor).select(0, 0).narrow(-1, 0, count));
  view(device, sin).copy_((at::sin(twice) * factor).select(0, 0).narrow(-1, 0, count));
}

void rope(QkDevice& device, const QkHeads& x, const QkMatrix& cos, const QkMatrix& sin,
          int32_t layout) {
  if (layout != QK_ROPE_HALVES && layout != QK_ROPE_PAIRS) {
    throw Failure("unknown layout of rotary components, number " + std::to_string(layout));
  }
  if (x.rows == 0 || cos.cols == 0) return;
  at::Tensor part = view(device, x).narrow(-1, 0, 2 * cos.cols);
  const at::Tensor turned = rotated(part, layout) * spread(view(device, sin), layout);
  part.copy_(part * spread(view(device, cos), layout) + turned);
}

}  // namespace qk_torch
