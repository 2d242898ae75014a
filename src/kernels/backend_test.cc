#include "kernels/backend.h"

#include <gtest/gtest.h>

#include "kernels/fma_peak.h"

namespace qk {
namespace {

TEST(BackendTest, NoSlotIsEmpty) {
  for (const Backend* backend : {&kRefBackend, &kCpuBackend}) {
    EXPECT_FALSE(backend->name.empty());
    EXPECT_TRUE(backend->embedding && backend->rms_norm && backend->linear && backend->rope &&
                backend->scale_rows && backend->gated_activation && backend->add &&
                backend->kv_floats && backend->kv_store && backend->attention)
        << backend->name;
  }
}

TEST(FmaPeakTest, MeasuresSomething) {
  ThreadPool pool(2);
  const FmaPeak peak = measure_fma_peak(pool, 0.001);
  EXPECT_GT(peak.sustained, 1e7);
  EXPECT_GE(peak.fastest, peak.sustained);
}

}  // namespace
}  // namespace qk
