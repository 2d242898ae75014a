#include <cmath>
#include <numbers>

#include "base/error.h"
#include "kernels/gated_activation.h"

namespace qk {
namespace {

double activate(double x, Activation activation) {
  switch (activation) {
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kGeluTanh:
    case Activation::kGeluNew:
    case Activation::kGeluFast: {
      const double u = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
      return 0.5 * x * (1 + std::tanh(u));
    }
    case Activation::kGeluErf:
      return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
  }
  check_failed("known activation", __FILE__, __LINE__);
}

}  // namespace

void gated_activation_ref(Context& /*context*/, MatrixView gate, ConstMatrixView up,
                          Activation activation) {
  QK_CHECK(gate.shape() == up.shape());
  const std::span<float> g = gate.flat();
  const std::span<const float> u = up.flat();
  for (size_t i = 0; i < g.size(); ++i) {
    g[i] = static_cast<float>(activate(double{g[i]}, activation) * double{u[i]});
  }
}

}  // namespace qk
