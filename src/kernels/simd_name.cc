#include "kernels/simd_name.h"

#include "base/simd_targets.h"
// After simd_targets.h:
#include <hwy/targets.h>

namespace qk {

std::string simd_name() {
  const int64_t usable = hwy::SupportedTargets() & HWY_TARGETS;
  return hwy::TargetName(usable & -usable);  // the best one is the lowest bit
}

std::vector<std::string> simd_targets() {
  std::vector<std::string> out;
  for (int64_t left = HWY_TARGETS; left != 0; left &= left - 1) {
    out.emplace_back(hwy::TargetName(left & -left));
  }
  return out;
}

}  // namespace qk
