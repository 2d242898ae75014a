#include "kernels/rope_table.h"

#include "kernels/op_test.h"

namespace qk {
namespace {

// At 131,071 the angle 131071 * 0.749894... has a spacing of 2^-7 in float32.
TEST(RopeTableTest, AngleIsRoundedToFloatFirst) {
  TestContext context(1);
  const std::vector<float> frequencies = {0.749894209F};
  float cos = 0;
  float sin = 0;
  rope_table_host(context, frequencies, 1.0F, 131071, {&cos, {1, 1}}, {&sin, {1, 1}});
  const float angle = 131071.0F * 0.749894209F;
  const double exact = 131071.0 * static_cast<double>(0.749894209F);
  EXPECT_FLOAT_EQ(cos, static_cast<float>(std::cos(static_cast<double>(angle))));
  EXPECT_FLOAT_EQ(sin, static_cast<float>(std::sin(static_cast<double>(angle))));
  EXPECT_GT(std::abs(cos - std::cos(exact)) + std::abs(sin - std::sin(exact)), 1e-4);
}

TEST(RopeTableTest, AttentionFactorMultipliesBoth) {
  TestContext context(1);
  const std::vector<float> frequencies = {1.0F, 0.5F};
  std::vector<float> cos(6);
  std::vector<float> sin(6);
  rope_table_host(context, frequencies, 2.0F, 0, {cos.data(), {3, 2}}, {sin.data(), {3, 2}});
  EXPECT_EQ(cos[0], 2.0F);
  EXPECT_EQ(sin[1], 0.0F);
  EXPECT_NEAR(cos[5], 2 * std::cos(1.0), 1e-6);
  EXPECT_NEAR(sin[4], 2 * std::sin(2.0), 1e-6);
}

TEST(RopeTableTest, RowsDoNotDependOnTheCut) {
  constexpr int64_t kRows = 150;
  const std::vector<float> frequencies = {1.0F, 0.3F, 0.01F};
  TestContext context(3);
  const auto table = [&](int64_t first, int64_t rows) {
    std::vector<float> both(static_cast<size_t>(6 * rows));
    rope_table_host(context, frequencies, 1.5F, first, {both.data(), {rows, 3}},
                    {both.data() + 3 * rows, {rows, 3}});
    return both;
  };
  const std::vector<float> whole = table(0, kRows);
  for (int64_t row = 0; row < kRows; ++row) {
    const std::vector<float> one = table(row, 1);
    for (int64_t i = 0; i < 3; ++i) {
      EXPECT_EQ(one[i], whole[3 * row + i]);
      EXPECT_EQ(one[3 + i], whole[3 * kRows + 3 * row + i]);
    }
  }
}

}  // namespace
}  // namespace qk
