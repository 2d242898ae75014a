#include "kernels/embedding.h"

#include "kernels/op_test.h"

namespace qk {
namespace embedding_test {

constexpr int64_t kVocab = 50;
constexpr int64_t kWidth = 33;
constexpr int64_t kTokens = 700;

TEST(EmbeddingTest, RowsOfTheTableTimesScale) {
  const std::vector<float> numbers = normal_numbers(kVocab * kWidth, 1);
  const WeightMatrix table{.data = reinterpret_cast<const std::byte*>(numbers.data()),
                           .dtype = DType::kF32,
                           .rows = kVocab,
                           .cols = kWidth,
                           .stride_bytes = kWidth * 4};
  std::vector<int32_t> ids(kTokens);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i * 37 % kVocab);
  for (const float scale : {1.0F, 24.0F, 0.3F}) {
    TestContext context(2);
    std::vector<float> got(kTokens * kWidth), expected(kTokens * kWidth);
    embedding_cpu(context, table, ids, scale, MatrixView(got.data(), {kTokens, kWidth}));
    embedding_ref(context, table, ids, scale, MatrixView(expected.data(), {kTokens, kWidth}));
    expect_same_bits(got, expected, "embedding");
    EXPECT_EQ(got[kWidth], numbers[37 * kWidth] * scale);
  }
}

TEST(EmbeddingDeathTest, RefusesAnIdOutsideTheTable) {
  TestContext context(1);
  const float number = 1;
  const WeightMatrix table{
      .data = reinterpret_cast<const std::byte*>(&number), .rows = 1, .cols = 1, .stride_bytes = 4};
  float out = 0;
  const int32_t id = 1;
  EXPECT_DEATH(embedding_cpu(context, table, {&id, 1}, 1.0F, MatrixView(&out, {1, 1})), "check");
}

}  // namespace embedding_test
}  // namespace qk
