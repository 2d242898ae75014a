// The most that the machine can do: float32 multiply-adds in registers, without memory.
#pragma once

#include "base/thread_pool.h"

namespace qk {

// FLOP/s (a multiply-add is 2) of all threads of the pool together.
struct FmaPeak {
  double fastest = 0;    // in the best 70 us of each thread: nothing else ran there
  double sustained = 0;  // over the whole measurement, with whatever else the machine had to do
};

// Every thread runs independent multiply-adds of the widest SIMD target for about `seconds`.
FmaPeak measure_fma_peak(ThreadPool& pool, double seconds = 0.05);

}  // namespace qk
