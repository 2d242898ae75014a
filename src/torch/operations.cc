#include "torch/operations.h"

#include <ATen/ops/add.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>

#include <cmath>
#include <numbers>
#include <string>

#include "torch/errors.h"
#include "torch/linear.h"
#include "torch/weights.h"

namespace qk_torch {
namespace {

// transformers' NewGELUActivation and FastGELUActivation, operation by operation
at::Tensor gelu_new(const at::Tensor& x) {
  const at::Tensor cubic = at::add(x, at::mul(at::pow(x, 3.0), 0.044715));
  const at::Tensor tanh = at::tanh(at::mul(cubic, std::sqrt(2.0 / std::numbers::pi)));
  return at::mul(at::mul(x, 0.5), at::add(tanh, 1.0));
}
at::Tensor gelu_fast(const at::Tensor& x) {
  const at::Tensor cubic = at::add(at::mul(at::mul(x, 0.044715), x), 1.0);
  const at::Tensor tanh = at::tanh(at::mul(at::mul(x, 0.7978845608), cubic));
  return at::mul(at::mul(x, 0.5), at::add(tanh, 1.0));
}

at::Tensor activated(const at::Tensor& gate, int32_t activation) {
  switch (activation) {
    case QK_SILU:
      return at::silu(gate);
    case QK_GELU_TANH:
      return at::gelu(gate, "tanh");
    case QK_GELU_ERF:
      return at::gelu(gate, "none");
    case QK_GELU_NEW:
      return gelu_new(gate);
    case QK_GELU_FAST:
      return gelu_fast(gate);
    default:
      throw Failure("unknown activation number " + std::to_string(activation));
  }
}

// x / sqrt(mean(x^2) + eps) in float32
at::Tensor normalized(const at::Tensor& x, float eps) {
  const at::Tensor wide = x.to(c10::ScalarType::Float);
  const at::Tensor variance = at::mean(at::pow(wide, 2), {-1}, /*keepdim=*/true);
  return at::mul(wide, at::rsqrt(at::add(variance, eps)));
}

}  // namespace

void embedding(QkDevice& device, const QkHostWeight& table, const int32_t* ids, int64_t count,
               float scale, const QkMatrix& out) {
  for (int64_t first = 0; first < count;) {
    at::Tensor rows = rows_of_host(device, table, ids + first, count - first).to(device.type);
    if (scale != 1.0F) rows = at::mul(rows, at::scalar_tensor(scale, device.options()));
    view(device, out).narrow(0, first, rows.size(0)).copy_(rows);
    first += rows.size(0);
  }
}

void rms_norm(QkDevice& device, const QkMatrix& x, QkWeight& weight, float eps, int32_t norm,
              const QkMatrix& out) {
  if (norm != QK_NORM_RMS && norm != QK_NORM_RMS_PLUS_ONE) {
    throw Failure("unknown norm number " + std::to_string(norm));
  }
  if (x.rows == 0) return;
  at::Tensor unit = normalized(view(device, x), eps);
  const at::Tensor w = value_of(device, weight).select(0, 0);
  if (norm == QK_NORM_RMS) {  // rounded before the weight
    at::Tensor result = view(device, out);
    at::mul_out(result, w, unit.to(device.type));
  } else {  // Gemma: rounded after it
    view(device, out).copy_(at::mul(unit, at::add(w.to(c10::ScalarType::Float), 1.0)));
  }
}

void scale_rows(QkDevice& device, const QkMatrix& x, const float* factors) {
  if (x.rows == 0) return;
  const at::Tensor column =
      upload(device, factors, x.rows, c10::ScalarType::Float).to(device.type).unsqueeze(-1);
  view(device, x).mul_(column);
}

void gated_activation(QkDevice& device, const QkMatrix& gate, const QkMatrix& up,
                      int32_t activation) {
  if (gate.rows == 0) return;
  at::Tensor result = view(device, gate);
  const at::Tensor left = columns_of_product(device, gate).value_or(result);
  const at::Tensor right = columns_of_product(device, up).value_or(view(device, up));
  at::mul_out(result, activated(left, activation), right);
  forget_product(device);
}

void add(QkDevice& device, const QkMatrix& x, const QkMatrix& y) {
  if (x.rows == 0) return;
  view(device, x).add_(view(device, y));
}

void gather_rows(QkDevice& device, const QkMatrix& x, const int32_t* rows, int64_t count,
                 const QkMatrix& out) {
  if (count == 0) return;
  const at::Tensor index = upload(device, rows, count, c10::ScalarType::Int);
  view(device, out).copy_(at::index_select(view(device, x), 0, index));
}

}  // namespace qk_torch
