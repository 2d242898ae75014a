// Stored numbers to float32: what every operation on weights reads through.
//
// The value of each type, in ggml's order of float32 operations and without fused multiply-add, so both functions give the
// same bits as ggml on every machine:
//   F16, BF16           the number itself (exact)
//   Q8_0, Q4_0, Q5_0    d * q
//   Q4_1, Q5_1          (d * q) + m
//   Q4_K, Q5_K          ((d * scale) * q) - (dmin * min)
//   Q6_K                (d * scale) * q
//
// Threads: safe from many. Source: ggml-common.h (block layouts), ggml-quants.c (dequantize_row_*).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace qk {

// out[i] = element (begin + i) of a stored row, for i in [0, count).
//   row  where the row starts (element 0), at any alignment; only the bytes of the blocks asked for
//        are read
//   out  [count] float32, at any alignment of a float
// REQUIRES: begin and count are multiples of info(dtype).block_elements.
void widen_row(DType dtype, const std::byte* row, int64_t begin, int64_t count, float* out);

// The same, as naive loops: the oracle of the tests.
void widen_row_ref(DType dtype, const std::byte* row, int64_t begin, int64_t count, float* out);

}  // namespace qk
