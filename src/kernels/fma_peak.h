// What the machine can do at most: float32 multiply-adds in registers, without memory.
#pragma once

#include "base/thread_pool.h"

namespace qk {

// FLOP/s (a multiply-add is 2) of all threads of the pool together: every thread runs bursts of
// independent multiply-adds of the widest SIMD target for about `seconds`; its fastest burst
// counts, so that other work on the machine does not lower the measure.
double measure_fma_peak(ThreadPool& pool, double seconds = 0.05);

}  // namespace qk
