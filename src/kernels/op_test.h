// What the tests of all operations share: numbers, comparisons, and the SIMD targets in turn.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/simd_targets.h"
#include "kernels/context.h"

// After simd_targets.h:
#include <hwy/highway.h>

namespace qk {

inline std::vector<float> normal_numbers(int64_t count, uint32_t seed, float deviation = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, deviation);
  std::vector<float> numbers(static_cast<size_t>(count));
  for (float& x : numbers) x = normal(generator);
  return numbers;
}

// A context of the backends that compute on the host, with threads of its own.
struct TestContext {
  explicit TestContext(int num_threads) : pool(num_threads), context(pool) {}
  operator Context&() { return context; }  // NOLINT(google-explicit-constructor)

  ThreadPool pool;
  Context context;
};

// |got[i] - expected[i]| <= tolerance; the message names the worst cell.
inline void expect_near(const std::vector<float>& got, const std::vector<float>& expected,
                        double tolerance, const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  size_t worst = 0;
  double largest = -1;
  for (size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(double{got[i]} - expected[i]);
    if (!(difference <= largest)) {  // NaN is worst
      largest = difference;
      worst = i;
      if (std::isnan(difference)) break;
    }
  }
  if (got.empty()) return;
  EXPECT_LE(largest, tolerance) << what << ": worst cell " << worst << " of " << got.size()
                                << ", expected " << expected[worst] << ", got " << got[worst];
}

inline void expect_same_bits(const std::vector<float>& got, const std::vector<float>& expected,
                             const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(expected[i]))
        << what << ": cell " << i << " of " << got.size() << ", expected " << expected[i]
        << ", got " << got[i];
  }
}

// While it lives, kernels run the code of one SIMD target.
class ForcedTarget {
 public:
  explicit ForcedTarget(int64_t target) { choose(target); }
  ForcedTarget(const ForcedTarget&) = delete;
  ForcedTarget& operator=(const ForcedTarget&) = delete;
  ~ForcedTarget() { choose(0); }

 private:
  static void choose(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

// Targets that this machine can run and that kernels are compiled for, widest first.
inline std::vector<int64_t> runnable_targets() { return hwy::SupportedAndGeneratedTargets(); }

// Those with fused multiply-add: they promise the same bits.
inline std::vector<int64_t> fused_targets() {
  std::vector<int64_t> targets;
  for (const int64_t target : runnable_targets()) {
    if (target != HWY_SSE4 && target != HWY_SCALAR && target != HWY_EMU128) {
      targets.push_back(target);
    }
  }
  return targets;
}

}  // namespace qk
