#include "kernels/add.h"

#include "kernels/op_test.h"
#include "kernels/scale_rows.h"

namespace qk {
namespace add_test {

constexpr int64_t kRows = 301;
constexpr int64_t kWidth = 67;

TEST(AddTest, EqualsTheReferenceOnEveryTarget) {
  TestContext context(2);
  const std::vector<float> x = normal_numbers(kRows * kWidth, 1);
  const std::vector<float> y = normal_numbers(kRows * kWidth, 2);
  std::vector<float> expected = x;
  add_ref(context, MatrixView(expected.data(), {kRows, kWidth}),
          ConstMatrixView(y.data(), {kRows, kWidth}));
  for (const int64_t target : runnable_targets()) {
    const ForcedTarget forced(target);
    std::vector<float> got = x;
    add_cpu(context, MatrixView(got.data(), {kRows, kWidth}),
            ConstMatrixView(y.data(), {kRows, kWidth}));
    expect_same_bits(got, expected, hwy::TargetName(target));
  }
}

TEST(ScaleRowsTest, EqualsTheReferenceOnEveryTarget) {
  TestContext context(2);
  const std::vector<float> x = normal_numbers(kRows * kWidth, 1);
  const std::vector<float> factors = normal_numbers(kRows, 2);
  std::vector<float> expected = x;
  scale_rows_ref(context, MatrixView(expected.data(), {kRows, kWidth}), factors);
  for (const int64_t target : runnable_targets()) {
    const ForcedTarget forced(target);
    std::vector<float> got = x;
    scale_rows_cpu(context, MatrixView(got.data(), {kRows, kWidth}), factors);
    expect_same_bits(got, expected, hwy::TargetName(target));
  }
}

}  // namespace add_test
}  // namespace qk
