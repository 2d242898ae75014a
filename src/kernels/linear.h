// Products that share an input: for every job y = x weight^T + bias, or y += with accumulate.
//   x       [n, in]
//   weight  rows [first_row, first_row + out) of a matrix [.., in], any stored dtype
//   bias    the same rows of a vector, or absent
//   y       [n, out]; not overlapping x or another job's y
// Every y[i][j] of the cpu version is one fixed sequence of float32 operations: the input is cut
// into blocks of linear_block(in) numbers; a block's sum is a chain of fused multiply-adds in
// order; the first block's sum takes bias and the old y, in this order, and the following sums are
// added one after the other. So y does not depend on n, threads, tiling or SIMD width (given fused
// multiply-add: AVX2 and later).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/tensor.h"
#include "kernels/backend.h"
#include "kernels/context.h"

namespace qk {

void linear_ref(Context& context, ConstMatrixView x, std::span<const LinearJob> jobs);
void linear_cpu(Context& context, ConstMatrixView x, std::span<const LinearJob> jobs);

// Numbers of one block: a multiple of 256, at most 768, the same on every machine.
int64_t linear_block(int64_t in);

// Bytes of work memory that linear_cpu holds after calls with up to `rows` rows and `in` inputs.
int64_t linear_bytes(int64_t rows, int64_t in, int num_threads);

// A job of the host: the rows of the mapped weight and bias that it multiplies with.
struct MappedJob {
  WeightMatrix weight;          // [out, in]
  const float* bias = nullptr;  // [out] or none
  MatrixView y;                 // [n, out]
  bool accumulate = false;
};
std::vector<MappedJob> mapped_jobs(std::span<const LinearJob> jobs);

// Checks what every job must satisfy.
void check_linear(ConstMatrixView x, std::span<const LinearJob> jobs);

}  // namespace qk
