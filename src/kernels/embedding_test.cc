#include "kernels/embedding.h"

#include "kernels/op_test.h"

namespace qk {
namespace {

TEST(EmbeddingTest, RowsOfTheTableTimesScale) {
  const std::vector<float> numbers = normal_numbers(50 * 33, 1);
  const WeightMatrix table{.data = reinterpret_cast<const std::byte*>(numbers.data()),
                           .dtype = DType::kF32,
                           .rows = 50,
                           .cols = 33,
                           .stride_bytes = 33 * 4};
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 700; ++i) ids.push_back(i * 37 % 50);
  for (const float scale : {1.0F, 24.0F, 0.3F}) {
    ThreadPool pool(2);
    std::vector<float> got(ids.size() * 33), expected(ids.size() * 33);
    embedding_cpu(pool, table, ids, scale, MatrixView(got.data(), {700, 33}));
    embedding_ref(pool, table, ids, scale, MatrixView(expected.data(), {700, 33}));
    expect_same_bits(got, expected, "embedding");
    EXPECT_EQ(got[33], numbers[37 * 33] * scale);
  }
}

TEST(EmbeddingDeathTest, RefusesAnIdOutsideTheTable) {
  ThreadPool pool(1);
  const float number = 1;
  const WeightMatrix table{
      .data = reinterpret_cast<const std::byte*>(&number), .rows = 1, .cols = 1, .stride_bytes = 4};
  float out = 0;
  const int32_t id = 1;
  EXPECT_DEATH(embedding_cpu(pool, table, {&id, 1}, 1.0F, MatrixView(&out, {1, 1})), "check");
}

}  // namespace
}  // namespace qk
