// Which SIMD instructions the kernels use on this machine.
#pragma once

#include <string>
#include <vector>

namespace qk {

// Highway's name of the target that is chosen at run time: "AVX2", "AVX3", "AVX3_ZEN4", "SSE4", ...
std::string simd_name();

// Those that the program was compiled for, the best first.
std::vector<std::string> simd_targets();

}  // namespace qk
