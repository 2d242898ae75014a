#include "kernels/rope.h"

#include "kernels/op_test.h"

namespace qk {
namespace rope_test {

struct Case {
  int64_t tokens, heads, head_dim, rotary_dim;
  RopeLayout layout;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.rotary_dim << " of " << c.head_dim << " components, "
             << (c.layout == RopeLayout::kHalves ? "halves" : "pairs");
}

using Rope = void (*)(Context&, TensorView<float, 3>, ConstMatrixView, ConstMatrixView, RopeLayout);

std::vector<float> run(Rope rope, const Case& c, int threads) {
  TestContext context(threads);
  const int64_t half = c.rotary_dim / 2;
  std::vector<float> x = normal_numbers(c.tokens * c.heads * c.head_dim, 1);
  const std::vector<float> angles = normal_numbers(c.tokens * half, 2);
  std::vector<float> cos, sin;
  for (const float angle : angles) {
    cos.push_back(std::cos(angle));
    sin.push_back(std::sin(angle));
  }
  rope(context, TensorView<float, 3>(x.data(), {c.tokens, c.heads, c.head_dim}),
       ConstMatrixView(cos.data(), {c.tokens, half}), ConstMatrixView(sin.data(), {c.tokens, half}),
       c.layout);
  return x;
}

class RopeTest : public testing::TestWithParam<Case> {};

// Two products and a sum of numbers below 8, a rounding each.
TEST_P(RopeTest, AgreesWithReferenceOnEveryTarget) {
  const std::vector<float> expected = run(rope_ref, GetParam(), 1);
  for (const int64_t target : runnable_targets()) {
    const ForcedTarget forced(target);
    expect_near(run(rope_cpu, GetParam(), 2), expected, 8 * 3 * 0x1p-24, hwy::TargetName(target));
  }
}

TEST_P(RopeTest, SameBitsOnEveryTarget) {
  const std::vector<float> whole = run(rope_cpu, GetParam(), 1);
  for (const int64_t target : runnable_targets()) {  // no fused multiply-add: all of them
    const ForcedTarget forced(target);
    expect_same_bits(run(rope_cpu, GetParam(), 3), whole, hwy::TargetName(target));
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RopeTest,
                         testing::Values(Case{300, 3, 64, 64, RopeLayout::kHalves},
                                         Case{20, 2, 128, 128, RopeLayout::kHalves},
                                         Case{9, 1, 80, 20, RopeLayout::kHalves},
                                         Case{7, 2, 12, 12, RopeLayout::kHalves},
                                         Case{11, 2, 64, 32, RopeLayout::kPairs},
                                         Case{5, 1, 10, 10, RopeLayout::kPairs}));

TEST(RopeTest, TurnsTheNamedPairs) {
  TestContext context(1);
  const std::vector<float> cos = {0.0F, 1.0F};
  const std::vector<float> sin = {1.0F, 0.0F};
  const ConstMatrixView c(cos.data(), {1, 2});
  const ConstMatrixView s(sin.data(), {1, 2});
  std::vector<float> x = {1, 2, 3, 4, 5};
  rope_cpu(context, TensorView<float, 3>(x.data(), {1, 1, 5}), c, s, RopeLayout::kHalves);
  EXPECT_EQ(x, (std::vector<float>{-3, 2, 1, 4, 5}));
  x = {1, 2, 3, 4, 5};
  rope_cpu(context, TensorView<float, 3>(x.data(), {1, 1, 5}), c, s, RopeLayout::kPairs);
  EXPECT_EQ(x, (std::vector<float>{-2, 1, 3, 4, 5}));
}

}  // namespace rope_test
}  // namespace qk
