#include "arch/registry.h"

#include <array>

#include "arch/architectures.h"

namespace qk {

std::span<const Architecture* const> registry() {
  static constexpr std::array<const Architecture*, 1> kAll = {
      &kLlama,
  };
  return kAll;
}

}  // namespace qk
