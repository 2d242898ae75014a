// Which kernel runs, as a table of invented devices and shapes, and what memory is counted for it.
#include "torch/kernel_choice.h"

#include <gtest/gtest.h>

#include <limits>
#include <ostream>
#include <vector>

namespace qk_torch {

std::ostream& operator<<(std::ostream& out, AttentionKernel kernel) {
  return out << kernel_name(kernel);
}

namespace kernel_choice_test {
namespace {

using Kernel = AttentionKernel;

DeviceFacts gpu(int capability, int32_t type, int64_t cudnn = 91900) {
  return {.type = type,
          .on_host = false,
          .name = "GPU",
          .capability_major = capability,
          .cudnn_version = cudnn};
}
const DeviceFacts kHost = {};

// Whole documents.
AttentionShape whole(int64_t tokens, int64_t window = 0, bool causal = true,
                     int64_t head_dim = 128) {
  return {tokens, tokens, 0, head_dim, window, causal};
}
// Queries [first, first + count) of a document of `tokens`.
AttentionShape chunk(int64_t first, int64_t count, int64_t tokens, int64_t window = 0,
                     bool causal = true) {
  return {count, causal ? first + count : tokens, first, 128, window, causal};
}

struct Row {
  DeviceFacts facts;
  AttentionShape shape;
  Kernel expected;
};

void expect_table(const std::vector<Row>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(choose_kernel(rows[i].facts, rows[i].shape), rows[i].expected) << "row " << i;
  }
}

TEST(KernelChoice, OfWholeDocumentsInHalfPrecision) {
  expect_table({
      {gpu(9, QK_BF16), whole(1000), Kernel::kCudnn},
      {gpu(10, QK_F16), whole(1000), Kernel::kCudnn},
      {gpu(9, QK_BF16), whole(1000, 0, false), Kernel::kCudnn},
      {gpu(9, QK_BF16, 91500), whole(1000), Kernel::kFlash},  // the last wrong one
      {gpu(9, QK_BF16, 91501), whole(1000), Kernel::kCudnn},
      {gpu(9, QK_BF16, 0), whole(1000), Kernel::kFlash},
      {gpu(8, QK_BF16), whole(1000), Kernel::kFlash},
      {gpu(12, QK_BF16), whole(1000), Kernel::kFlash},
      {gpu(9, QK_BF16), whole(1), Kernel::kFlash},  // cuDNN takes no single key
      {gpu(9, QK_BF16), whole(2), Kernel::kCudnn},
      {gpu(9, QK_BF16), whole(1000, 0, true, 256), Kernel::kFlash},
      {gpu(9, QK_BF16), whole(1000, 0, true, 100), Kernel::kFlash},
      {gpu(9, QK_BF16), whole(1000, 0, true, 264), Kernel::kEfficient},
  });
}

TEST(KernelChoice, WindowsThatHideNothingAreNone) {
  expect_table({
      {gpu(9, QK_BF16), whole(1000, 999), Kernel::kFlash},
      {gpu(9, QK_BF16), whole(1000, 1000), Kernel::kCudnn},
      {gpu(9, QK_F32), whole(1000, 999), Kernel::kBands},
      {gpu(9, QK_F32), whole(1000, 1000), Kernel::kEfficient},
      {kHost, whole(1000, 999), Kernel::kBands},
      {kHost, whole(1000, 1000), Kernel::kSdpa},
  });
}

TEST(KernelChoice, OfChunks) {
  expect_table({
      {gpu(9, QK_BF16), chunk(0, 100, 1000), Kernel::kCudnn},  // its keys are its queries'
      {gpu(9, QK_BF16), chunk(100, 100, 1000), Kernel::kFlash},
      {gpu(9, QK_BF16), chunk(999, 1, 1000), Kernel::kFlash},
      {gpu(9, QK_BF16), chunk(0, 1, 1000), Kernel::kFlash},
      {gpu(9, QK_BF16), chunk(100, 100, 1000, 50), Kernel::kFlash},
      {gpu(9, QK_F32), chunk(100, 100, 1000), Kernel::kEfficient},
      {kHost, chunk(100, 100, 1000), Kernel::kBands},
      {kHost, chunk(100, 100, 1000, 0, false), Kernel::kSdpa},
  });
}

// FlashAttention-2 counts windows from the last key: only the last chunk stands there.
TEST(KernelChoice, BidirectionalWindowsInChunksRunInBands) {
  expect_table({
      {gpu(9, QK_BF16), whole(1000, 50, false), Kernel::kFlash},
      {gpu(9, QK_BF16), chunk(0, 500, 1000, 50, false), Kernel::kBands},
      {gpu(9, QK_BF16), chunk(100, 500, 1000, 50, false), Kernel::kBands},
      {gpu(9, QK_BF16), chunk(500, 500, 1000, 50, false), Kernel::kFlash},
      {gpu(9, QK_BF16), chunk(0, 500, 1000, 0, false), Kernel::kFlash},
      {gpu(7, QK_F16), chunk(0, 500, 1000, 50, false), Kernel::kBands},
  });
}

TEST(KernelChoice, OfOtherGpus) {
  DeviceFacts rocm = gpu(-1, QK_BF16, 0);
  rocm.is_hip = true;
  expect_table({
      {gpu(7, QK_F16), whole(1000), Kernel::kEfficient},  // FlashAttention-2 begins with 8
      {gpu(7, QK_BF16), whole(1000), Kernel::kBands},
      {gpu(7, QK_F16), whole(1000, 50), Kernel::kBands},
      {gpu(-1, QK_BF16), whole(1000), Kernel::kBands},
      {rocm, whole(1000), Kernel::kFlash},
      {rocm, whole(1000, 50), Kernel::kFlash},
  });
}

TEST(KernelChoice, TheDispatcherIsAskedOnlyIfItIsToBe) {
  DeviceFacts facts = gpu(9, QK_BF16);
  facts.dispatched_attention = true;
  DeviceFacts host;
  host.dispatched_attention = true;
  expect_table({
      {facts, whole(1000), Kernel::kDispatched},
      {facts, whole(1, 50, false), Kernel::kDispatched},
      {host, chunk(5, 5, 10, 3), Kernel::kDispatched},
  });
}

// transformers: no mask for a whole causal document that is shorter than the window.
TEST(KernelChoice, MasksAreThoseOfTransformers) {
  EXPECT_FALSE(needs_mask(whole(100)));
  EXPECT_FALSE(needs_mask(whole(100, 101)));
  EXPECT_TRUE(needs_mask(whole(100, 100)));
  EXPECT_TRUE(needs_mask(whole(100, 50)));
  EXPECT_TRUE(needs_mask(whole(100, 0, false)));
  EXPECT_TRUE(needs_mask(chunk(50, 50, 100)));
  EXPECT_FALSE(needs_mask(chunk(99, 1, 100)));
}

constexpr int64_t kTokens = 32768;

QkScratch scratch(int64_t query_rows, int64_t window, int32_t causal = 1, int64_t head_dim = 128) {
  return {16384, 14336, kTokens, query_rows, 32, 8, head_dim, window, causal};
}
// Three copies of the queries, and a sum for each.
int64_t queries_of(int64_t rows, int64_t head_dim, int64_t element) {
  return rows * 32 * (3 * head_dim * element + 4);
}
constexpr int64_t kWhole = std::numeric_limits<int64_t>::max() / 2;

TEST(AttentionMemory, FusedKernelsTakeTheirResultAndLayouts) {
  const int64_t query = queries_of(kTokens, 128, 2);
  EXPECT_EQ(attention_scratch_bytes(gpu(9, QK_BF16), scratch(kWhole, 0)), query);
  EXPECT_EQ(attention_scratch_bytes(gpu(8, QK_BF16), scratch(kTokens, 512)), query);
  EXPECT_EQ(attention_scratch_bytes(kHost, scratch(kWhole, 0)), queries_of(kTokens, 128, 4));
  EXPECT_EQ(attention_scratch_bytes(gpu(8, QK_BF16), scratch(1024, 0)), queries_of(1024, 128, 2));
  // 100 becomes 104, for keys and values too.
  EXPECT_EQ(attention_scratch_bytes(gpu(8, QK_BF16), scratch(kTokens, 0, 1, 100)),
            queries_of(kTokens, 104, 2) + 2 * kTokens * 8 * 104 * 2);
  // Keys and values for every query head.
  EXPECT_EQ(attention_scratch_bytes(gpu(9, QK_F32), scratch(kTokens, 0)),
            queries_of(kTokens, 128, 4) + 2 * kTokens * 32 * 128 * 4);
}

TEST(AttentionMemory, BandsAreBounded) {
  const int64_t mask = ((int64_t{1} << 23) + 4 * kTokens) * 16;
  EXPECT_EQ(attention_scratch_bytes(kHost, scratch(kTokens, 512)),
            queries_of(kTokens, 128, 4) + mask);
  const int64_t scores = ((int64_t{1} << 26) + 4 * kTokens) * 16, one_head = 2 * kTokens * 128 * 4;
  EXPECT_EQ(attention_scratch_bytes(gpu(7, QK_BF16), scratch(kTokens, 0)),
            queries_of(kTokens, 128, 2) + scores + one_head);
  EXPECT_EQ(attention_scratch_bytes(gpu(9, QK_BF16), scratch(1024, 512, 0)),
            queries_of(1024, 128, 2) + scores + one_head);  // bidirectional, in chunks
}

// compat: reference builds masks of all queries and keys: three comparisons, two in the type.
TEST(AttentionMemory, OfTheDispatcherCountsWholeMasks) {
  DeviceFacts facts = gpu(9, QK_BF16);
  facts.dispatched_attention = true;
  const int64_t query = queries_of(kTokens, 128, 2), expanded = 2 * kTokens * 32 * 128 * 2;
  EXPECT_EQ(attention_scratch_bytes(facts, scratch(kWhole, 0)), query);
  EXPECT_EQ(attention_scratch_bytes(facts, scratch(kWhole, 512)),
            query + kTokens * kTokens * 7 + expanded);
  EXPECT_EQ(attention_scratch_bytes(facts, scratch(1024, 0)),
            queries_of(1024, 128, 2) + 1024 * kTokens * 7 + expanded);
  EXPECT_EQ(attention_scratch_bytes(facts, scratch(kWhole, kTokens + 1)), query);
  DeviceFacts host;
  host.dispatched_attention = true;
  EXPECT_EQ(attention_scratch_bytes(host, scratch(kWhole, 512)),
            queries_of(kTokens, 128, 4) + kTokens * kTokens * 11 + 2 * expanded);
  // No fused kernel of a GPU takes grouped heads in float32.
  facts.type = QK_F32;
  EXPECT_EQ(attention_scratch_bytes(facts, scratch(kWhole, 0)),
            queries_of(kTokens, 128, 4) + 3 * kTokens * kTokens * 32 * 4 + 2 * expanded);
}

}  // namespace
}  // namespace kernel_choice_test
}  // namespace qk_torch
