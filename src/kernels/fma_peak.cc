#include "kernels/fma_peak.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fma_peak.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace qk::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr size_t kChains = HWY_TARGET == HWY_AVX3 ? 24 : 12;  // more than latency times units
constexpr int64_t kSteps = 1 << 14;

// Multiply-adds (as 2 operations each) that were done; `sink` keeps the compiler from leaving them
// out.
double fma_burst(float* sink) {
  const D d;
  V chains[kChains];
  for (size_t c = 0; c < kChains; ++c) chains[c] = hn::Set(d, static_cast<float>(c));
  const V factor = hn::Set(d, 0.5F);
  const V term = hn::Set(d, 1.0F);
  for (int64_t step = 0; step < kSteps; ++step) {
    HWY_UNROLL(24)
    for (size_t c = 0; c < kChains; ++c) chains[c] = hn::MulAdd(chains[c], factor, term);
  }
  V sum = chains[0];
  for (size_t c = 1; c < kChains; ++c) sum = hn::Add(sum, chains[c]);
  *sink = hn::GetLane(sum);
  return 2.0 * kChains * kSteps * static_cast<double>(hn::Lanes(d));
}

}  // namespace
}  // namespace qk::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace qk {
HWY_EXPORT(fma_burst);

FmaPeak measure_fma_peak(ThreadPool& pool, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto burst = HWY_DYNAMIC_DISPATCH(fma_burst);
  std::vector<FmaPeak> rates(static_cast<size_t>(pool.num_threads()));
  // Each thread takes one task, because all tasks take equally long.
  pool.parallel_for(pool.num_threads(), [&](int64_t index, int /*thread*/) {
    float sink = 0;
    double flop = 0;
    FmaPeak rate;
    const Clock::time_point start = Clock::now();
    Clock::time_point now = start;
    do {
      const Clock::time_point before = now;
      const double done = burst(&sink);
      now = Clock::now();
      flop += done;
      rate.fastest =
          std::max(rate.fastest, done / std::chrono::duration<double>(now - before).count());
    } while (std::chrono::duration<double>(now - start).count() < seconds);
    rate.sustained = flop / std::chrono::duration<double>(now - start).count();
    rates[index] = sink >= 0 ? rate : FmaPeak();
  });
  FmaPeak sum;
  for (const FmaPeak& rate : rates) {
    sum.fastest += rate.fastest;
    sum.sustained += rate.sustained;
  }
  return sum;
}

}  // namespace qk
#endif  // HWY_ONCE
