#include "kernels/rms_norm.h"

#include <algorithm>

#include "kernels/mapped_weight.h"
#include "kernels/op_test.h"

namespace qk {
namespace {

using RmsNorm = void (*)(Context&, ConstMatrixView, BoundVector, float, NormKind, MatrixView);

std::vector<float> run(RmsNorm norm, const std::vector<float>& x, int64_t width, NormKind kind,
                       int threads) {
  TestContext context(threads);
  const int64_t rows = static_cast<int64_t>(x.size()) / width;
  std::vector<float> out = x;  // in place
  const std::vector<float> weight = normal_numbers(width, 7);
  norm(context, ConstMatrixView(out.data(), {rows, width}), bind_mapped_vector(context, weight),
       1e-5F, kind, MatrixView(out.data(), {rows, width}));
  return out;
}

class RmsNormTest : public testing::TestWithParam<int64_t> {};

// The mean of squares is exact to a few roundings; numbers are about 4 * 5 at most.
TEST_P(RmsNormTest, AgreesWithReferenceOnEveryTarget) {
  const std::vector<float> x = normal_numbers(37 * GetParam(), 1);
  for (const NormKind kind : {NormKind::kRms, NormKind::kRmsPlusOne}) {
    const std::vector<float> expected = run(rms_norm_ref, x, GetParam(), kind, 1);
    for (const int64_t target : runnable_targets()) {
      const ForcedTarget forced(target);
      expect_near(run(rms_norm_cpu, x, GetParam(), kind, 2), expected, 25 * 8 * 0x1p-24,
                  hwy::TargetName(target));
    }
  }
}

TEST_P(RmsNormTest, SameBitsForAnyRowsThreadsAndTarget) {
  const std::vector<float> x = normal_numbers(37 * GetParam(), 1);
  const std::vector<float> whole = run(rms_norm_cpu, x, GetParam(), NormKind::kRms, 1);
  for (const int64_t target : fused_targets()) {
    const ForcedTarget forced(target);
    expect_same_bits(run(rms_norm_cpu, x, GetParam(), NormKind::kRms, 3), whole,
                     hwy::TargetName(target));
    const std::vector<float> last(x.end() - GetParam(), x.end());
    expect_same_bits(run(rms_norm_cpu, last, GetParam(), NormKind::kRms, 1),
                     {whole.end() - GetParam(), whole.end()}, hwy::TargetName(target));
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, RmsNormTest, testing::Values(1, 3, 16, 17, 64, 128, 576, 1000));

TEST(RmsNormTest, ZeroRowStaysZero) {
  const std::vector<float> zeros(32, 0.0F);
  expect_same_bits(run(rms_norm_cpu, zeros, 32, NormKind::kRms, 1),
                   run(rms_norm_ref, zeros, 32, NormKind::kRms, 1), "zeros");
}

}  // namespace
}  // namespace qk
