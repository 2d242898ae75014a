#include <algorithm>

#include "base/error.h"
#include "base/simd_targets.h"
#include "kernels/gated_activation.h"
#include "kernels/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gated_activation_cpu.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "kernels/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// x / (1 + e^-z)
HWY_INLINE V times_sigmoid(V x, V z) {
  const D d;
  return hn::Div(x, hn::Add(hn::Set(d, 1.0F), exp_clamped(d, hn::Neg(z))));
}

template <Activation kind>
HWY_INLINE V activate(V x) {
  const D d;
  if constexpr (kind == Activation::kSilu) {
    return times_sigmoid(x, x);
  } else if constexpr (kind == Activation::kGeluTanh) {
    const V cubic = hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715F), hn::Set(d, 1.0F));
    return times_sigmoid(x, hn::Mul(hn::Mul(x, hn::Set(d, 1.5957691216057308F)), cubic));
  } else {
    const V erf = error_function(d, hn::Mul(x, hn::Set(d, 0.70710678118654752F)));
    return hn::Mul(hn::Mul(hn::Set(d, 0.5F), x), hn::Add(hn::Set(d, 1.0F), erf));
  }
}

template <Activation kind>
void gate_numbers(float* gate, const float* up, size_t count) {
  const D d;
  constexpr size_t N = hn::MaxLanes(D());
  size_t i = 0;
  for (; i + N <= count; i += N) {
    hn::StoreU(hn::Mul(activate<kind>(hn::LoadU(d, gate + i)), hn::LoadU(d, up + i)), d, gate + i);
  }
  if (i == count) return;
  HWY_ALIGN float rest[N] = {};
  HWY_ALIGN float rest_up[N] = {};
  std::copy(gate + i, gate + count, rest);
  std::copy(up + i, up + count, rest_up);
  hn::Store(hn::Mul(activate<kind>(hn::Load(d, rest)), hn::Load(d, rest_up)), d, rest);
  std::copy_n(rest, count - i, gate + i);
}

void gate_silu(float* gate, const float* up, size_t count) {
  gate_numbers<Activation::kSilu>(gate, up, count);
}
void gate_gelu_tanh(float* gate, const float* up, size_t count) {
  gate_numbers<Activation::kGeluTanh>(gate, up, count);
}
void gate_gelu_erf(float* gate, const float* up, size_t count) {
  gate_numbers<Activation::kGeluErf>(gate, up, count);
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(gate_silu);
HWY_EXPORT(gate_gelu_tanh);
HWY_EXPORT(gate_gelu_erf);
namespace {

auto gate_function(Activation activation) {
  switch (activation) {
    case Activation::kSilu:
      return HWY_DYNAMIC_DISPATCH(gate_silu);
    case Activation::kGeluTanh:
    case Activation::kGeluNew:
    case Activation::kGeluFast:
      return HWY_DYNAMIC_DISPATCH(gate_gelu_tanh);
    case Activation::kGeluErf:
      return HWY_DYNAMIC_DISPATCH(gate_gelu_erf);
  }
  check_failed("known activation", __FILE__, __LINE__);
}

}  // namespace

void gated_activation_cpu(Context& context, MatrixView gate, ConstMatrixView up,
                          Activation activation) {
  QK_CHECK(gate.shape() == up.shape());
  const auto gate_some = gate_function(activation);
  for_row_blocks(context, gate.dim(0), gate.dim(1), [&](int64_t begin, int64_t end) {
    const int64_t width = gate.dim(1);
    gate_some(gate.data() + begin * width, up.data() + begin * width,
              static_cast<size_t>((end - begin) * width));
  });
}

}  // namespace qk
#endif  // HWY_ONCE
