// Before any Highway header of this folder: targets whose vectors have no fixed size, and SSSE3
// (old machines take the scalar code), are left out.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
