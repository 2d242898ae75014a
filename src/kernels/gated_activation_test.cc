#include "kernels/gated_activation.h"

#include "kernels/op_test.h"

namespace qk {
namespace {

using Gate = void (*)(Context&, MatrixView, ConstMatrixView, Activation);

std::vector<float> run(Gate gated, std::vector<float> gate, const std::vector<float>& up,
                       int64_t width, Activation activation, int threads) {
  TestContext context(threads);
  const int64_t rows = static_cast<int64_t>(gate.size()) / width;
  gated(context, MatrixView(gate.data(), {rows, width}), ConstMatrixView(up.data(), {rows, width}),
        activation);
  return gate;
}

class GatedActivationTest : public testing::TestWithParam<Activation> {};

// Close to the number itself: a few roundings of x (activation is at most |x|), here |x| <= 30.
TEST_P(GatedActivationTest, AgreesWithReferenceOnEveryTarget) {
  constexpr int64_t kWidth = 1537;
  std::vector<float> gate = normal_numbers(21 * kWidth, 1, 3.0F);
  const std::vector<float> ones(gate.size(), 1.0F);
  for (size_t i = 0; i < 1500; ++i) gate[i] = 0.02F * static_cast<float>(i) - 15.0F;
  const std::vector<float> expected = run(gated_activation_ref, gate, ones, kWidth, GetParam(), 1);
  std::vector<float> expected_relative, ones_relative;
  for (const int64_t target : runnable_targets()) {
    const ForcedTarget forced(target);
    const std::vector<float> got = run(gated_activation_cpu, gate, ones, kWidth, GetParam(), 2);
    std::vector<float> error, zeros(got.size(), 0.0F);
    for (size_t i = 0; i < got.size(); ++i) {
      error.push_back((got[i] - expected[i]) / std::max(std::abs(gate[i]), 1e-6F));
    }
    expect_near(error, zeros, 6 * 0x1p-24, hwy::TargetName(target));
  }
}

TEST_P(GatedActivationTest, SameBitsForAnyRowsThreadsAndTarget) {
  constexpr int64_t kWidth = 77;
  const std::vector<float> gate = normal_numbers(60 * kWidth, 1, 4.0F);
  const std::vector<float> up = normal_numbers(60 * kWidth, 2);
  const std::vector<float> whole = run(gated_activation_cpu, gate, up, kWidth, GetParam(), 1);
  for (const int64_t target : fused_targets()) {
    const ForcedTarget forced(target);
    expect_same_bits(run(gated_activation_cpu, gate, up, kWidth, GetParam(), 3), whole,
                     hwy::TargetName(target));
    for (size_t i = 0; i < gate.size(); i += kWidth) {
      expect_same_bits(run(gated_activation_cpu, {gate.begin() + i, gate.begin() + i + kWidth},
                           {up.begin() + i, up.begin() + i + kWidth}, kWidth, GetParam(), 1),
                       {whole.begin() + i, whole.begin() + i + kWidth}, hwy::TargetName(target));
    }
  }
}

TEST_P(GatedActivationTest, FarOut) {
  const std::vector<float> far = {-1e30F, -200.0F, -90.0F, 0.0F, 90.0F, 200.0F, 1e30F};
  const std::vector<float> ones(far.size(), 1.0F);
  const std::vector<float> got = run(gated_activation_cpu, far, ones, 7, GetParam(), 1);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(got[i], 0.0F, 1e-7) << far[i];
  for (size_t i = 4; i < 7; ++i) EXPECT_EQ(got[i], far[i]);
}

INSTANTIATE_TEST_SUITE_P(Kinds, GatedActivationTest,
                         testing::Values(Activation::kSilu, Activation::kGeluTanh,
                                         Activation::kGeluErf));

}  // namespace
}  // namespace qk
