#include "arch/registry.h"

#include <array>

#include "arch/architectures.h"

namespace qk {

std::span<const Architecture* const> registry() {
  static constexpr std::array<const Architecture*, 11> kAll = {
      &kLlama,  &kMistral, &kMinistral, &kMinistral3, &kQwen2,  &kQwen3,
      &kGemma3, &kGlm,     &kGlm4,      &kSmolLm3,    &kMllama,
  };
  return kAll;
}

}  // namespace qk
