// Rows times a factor each: x[i][c] *= factors[i].
//   x        [n, width]
//   factors  [n]
#pragma once

#include <span>

#include "base/tensor.h"
#include "base/thread_pool.h"

namespace qk {

void scale_rows_ref(ThreadPool& pool, MatrixView x, std::span<const float> factors);
void scale_rows_cpu(ThreadPool& pool, MatrixView x, std::span<const float> factors);

}  // namespace qk
