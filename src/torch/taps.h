// What leaves the model: chosen rows and heads, on their way to memory of the host.
#pragma once

#include <cstdint>

#include "torch/device.h"

namespace qk_torch {

int64_t gather_taps(QkDevice& device, const QkHeads& x, const int32_t* rows, int64_t num_rows,
                    const int32_t* heads, int64_t num_heads, float* out);
// Waits. The first row that is not finite, or num_rows.
int64_t finish_taps(QkDevice& device, int64_t ticket);

// timing.cc
int64_t mark(QkDevice& device);
double seconds_between(QkDevice& device, int64_t begin, int64_t end);

}  // namespace qk_torch
