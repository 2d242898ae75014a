// linear_bytes() and attention_bytes() are what the operations keep for themselves.
#include "kernels/scratch.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "base/test_allocations.h"
#include "kernels/attention.h"
#include "kernels/linear.h"
#include "kernels/mapped_weight.h"
#include "kernels/op_test.h"

namespace qk {
namespace scratch_test {

// Bytes that a call leaves behind in a thread that has made none before.
int64_t kept_bytes(const std::function<void(Context&)>& call) {
  int64_t bytes = 0;
  std::thread([&] {
    TestContext context(1);
    call(context);  // in a first thread: what is allocated once in the process
  }).join();
  std::thread([&] {
    TestContext context(1);
    const int64_t before = allocated_bytes();
    call(context);
    bytes = allocated_bytes() - before;
  }).join();
  return bytes;
}

void expect_counted(int64_t promised, int64_t used) {
  constexpr int64_t kRounding = 4 * 4096;  // two buffers, each of whole pages that begin at a page
  EXPECT_GE(promised + kRounding, used);
  EXPECT_LE(promised, used * 6 / 5 + kRounding);
}

TEST(Scratch, OfLinearIsCounted) {
  if (!allocations_are_counted()) GTEST_SKIP() << "another allocator counts";
  for (const auto& [rows, in] : {std::pair<int64_t, int64_t>{1024, 576}, {64, 4096}, {3000, 96}}) {
    const std::vector<float> weight(static_cast<size_t>(32 * in), 1.0F);
    const std::vector<float> x(static_cast<size_t>(rows * in), 1.0F);
    std::vector<float> y(static_cast<size_t>(rows * 32));
    const int64_t used = kept_bytes([&](Context& context) {
      const WeightMatrix matrix = {.data = reinterpret_cast<const std::byte*>(weight.data()),
                                   .dtype = DType::kF32,
                                   .rows = 32,
                                   .cols = in,
                                   .stride_bytes = in * 4};
      const LinearJob job{.weight = bind_mapped_weight(context, matrix),
                          .y = MatrixView(y.data(), {rows, 32})};
      linear_cpu(context, ConstMatrixView(x.data(), {rows, in}), {&job, 1});
    });
    SCOPED_TRACE(rows);
    expect_counted(linear_bytes(rows, in, 1), used);
  }
}

TEST(Scratch, OfAttentionIsCounted) {
  if (!allocations_are_counted()) GTEST_SKIP() << "another allocator counts";
  for (const int64_t head_dim : {16, 64, 128, 256}) {
    constexpr int64_t kTokens = 600;
    const std::vector<float> x(static_cast<size_t>(kTokens * head_dim), 0.5F);
    std::vector<float> out(x.size());
    std::vector<std::byte> memory(static_cast<size_t>(kv_bytes_cpu(kTokens, 1, head_dim)) + 64);
    const auto address = (reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64;
    const int64_t used = kept_bytes([&](Context& context) {
      const KeyValueCache cache{.data = reinterpret_cast<void*>(address),
                                .capacity = kTokens,
                                .num_heads = 1,
                                .head_dim = head_dim};
      const TensorView<const float, 3> rows(x.data(), {kTokens, 1, head_dim});
      kv_store_cpu(context, cache, 0, rows, rows);
      attention_cpu(context, rows, QueryPositions{}, cache, {.num_keys = kTokens},
                    TensorView<float, 3>(out.data(), {kTokens, 1, head_dim}));
    });
    SCOPED_TRACE(head_dim);
    expect_counted(attention_bytes(head_dim, 1), used);
  }
}

}  // namespace scratch_test
}  // namespace qk
