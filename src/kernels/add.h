// x += y, both [n, width].
#pragma once

#include "base/tensor.h"
#include "base/thread_pool.h"

namespace qk {

void add_ref(ThreadPool& pool, MatrixView x, ConstMatrixView y);
void add_cpu(ThreadPool& pool, MatrixView x, ConstMatrixView y);

}  // namespace qk
