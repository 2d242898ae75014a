#include "kernels/backend.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <set>

#include "base/error.h"
#include "kernels/fma_peak.h"

namespace qk {
namespace {

std::string refusal(const Backend& backend) {
  try {
    check_complete(backend);
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(BackendTest, EverySlotIsFilled) {
  for (const Backend* backend : {&kRefBackend, &kCpuBackend}) {
    EXPECT_FALSE(backend->name.empty());
    EXPECT_EQ(refusal(*backend), "nothing was refused");
  }
}

TEST(BackendTest, AnEmptySlotIsRefusedByName) {
  Backend backend = kCpuBackend;
  backend.gather_taps = nullptr;
  EXPECT_EQ(refusal(backend), "backend cpu: expected an operation in slot gather_taps, found none");
  std::set<std::string> sentences;
  constexpr size_t kSlot = sizeof(void (*)());
  constexpr size_t kFirst = offsetof(Backend, make_context);
  constexpr size_t kNumSlots = (offsetof(Backend, mark) - kFirst) / kSlot;
  for (size_t slot = 0; slot < kNumSlots; ++slot) {
    backend = kCpuBackend;
    std::memset(reinterpret_cast<std::byte*>(&backend) + kFirst + slot * kSlot, 0, kSlot);
    sentences.insert(refusal(backend));
  }
  EXPECT_EQ(sentences.size(), kNumSlots);
  EXPECT_FALSE(sentences.contains("nothing was refused"));
}

TEST(BackendTest, MarksAreWholeOrAbsent) {
  Backend backend = kCpuBackend;
  backend.mark = [](Context&) { return int64_t{0}; };
  backend.seconds_between = [](Context&, int64_t, int64_t) { return 0.0; };
  EXPECT_NE(refusal(backend).find("forget_marks, or none"), std::string::npos);
  backend.forget_marks = [](Context&) {};
  EXPECT_EQ(refusal(backend), "nothing was refused");
  backend.mark = nullptr;
  EXPECT_NE(refusal(backend).find("forget_marks, or none"), std::string::npos);
}

TEST(BackendTest, MemoryIsZeroAndAligned) {
  ThreadPool pool(1);
  for (const Backend* backend : {&kRefBackend, &kCpuBackend}) {
    const auto context = backend->make_context(*backend, pool);
    for (const Memory kind : {Memory::kDevice, Memory::kHost}) {
      auto* data = static_cast<uint8_t*>(backend->alloc(*context, kind, 100));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0U);
      for (size_t i = 0; i < 100; ++i) EXPECT_EQ(data[i], 0);
      backend->free(*context, data);
      EXPECT_EQ(backend->alloc(*context, kind, 0), nullptr);
      backend->free(*context, nullptr);
#if !defined(QK_SANITIZED)  // they end the program
      EXPECT_THROW(backend->alloc(*context, kind, int64_t{1} << 60), Error);
#endif
    }
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
