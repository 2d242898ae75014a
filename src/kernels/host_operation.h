// Kernels of the host take views of float32; the table of a backend passes activations. HostOperation
// is the entry of the table that calls such a kernel.
#pragma once

#include <type_traits>

#include "base/tensor.h"
#include "kernels/activation.h"

namespace qk {

// What the table passes where a kernel takes T, and back.
template <typename T>
struct HostArgument {
  using Passed = T;
  static T taken(T passed) { return passed; }
};
template <typename Activation>
struct HostActivation {
  using Passed = Activation;
  static auto taken(const Activation& passed) { return passed.numbers(); }
};
template <>
struct HostArgument<MatrixView> : HostActivation<Matrix> {};
template <>
struct HostArgument<ConstMatrixView> : HostActivation<ConstMatrix> {};
template <>
struct HostArgument<TensorView<float, 3>> : HostActivation<Heads> {};
template <>
struct HostArgument<TensorView<const float, 3>> : HostActivation<ConstHeads> {};
template <typename T>
struct HostArgument<T&> {
  using Passed = T&;
  // Of an argument, which lives until the call is over.
  static T& taken(T& passed) {
    return passed;  // NOLINT(bugprone-return-const-ref-from-parameter)
  }
};

template <auto kernel>
struct HostOperation;
template <typename Result, typename... Arguments, Result (*kernel)(Arguments...)>
struct HostOperation<kernel> {
  static Result call(typename HostArgument<Arguments>::Passed... passed) {
    return kernel(HostArgument<Arguments>::taken(passed)...);
  }
};

template <auto kernel>
inline constexpr auto kHostOperation = &HostOperation<kernel>::call;

}  // namespace qk
