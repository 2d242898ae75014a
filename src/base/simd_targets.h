// Before any Highway header in a file with SIMD code: which targets it is compiled for.
// Left out: SSSE3 (old machines take the scalar code), and targets whose vectors have no fixed
// size, because the code keeps arrays of them.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
