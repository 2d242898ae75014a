#include "kernels/add.h"

#include "kernels/op_test.h"
#include "kernels/scale_rows.h"

namespace qk {
namespace {

TEST(AddTest, EqualsTheReferenceOnEveryTarget) {
  ThreadPool pool(2);
  const std::vector<float> x = normal_numbers(301 * 67, 1);
  const std::vector<float> y = normal_numbers(301 * 67, 2);
  std::vector<float> expected = x;
  add_ref(pool, MatrixView(expected.data(), {301, 67}), ConstMatrixView(y.data(), {301, 67}));
  for (const int64_t target : runnable_targets()) {
    const ForcedTarget forced(target);
    std::vector<float> got = x;
    add_cpu(pool, MatrixView(got.data(), {301, 67}), ConstMatrixView(y.data(), {301, 67}));
    expect_same_bits(got, expected, hwy::TargetName(target));
  }
}

TEST(ScaleRowsTest, EqualsTheReferenceOnEveryTarget) {
  ThreadPool pool(2);
  const std::vector<float> x = normal_numbers(301 * 67, 1);
  const std::vector<float> factors = normal_numbers(301, 2);
  std::vector<float> expected = x;
  scale_rows_ref(pool, MatrixView(expected.data(), {301, 67}), factors);
  for (const int64_t target : runnable_targets()) {
    const ForcedTarget forced(target);
    std::vector<float> got = x;
    scale_rows_cpu(pool, MatrixView(got.data(), {301, 67}), factors);
    expect_same_bits(got, expected, hwy::TargetName(target));
  }
}

}  // namespace
}  // namespace qk
