#include "kernels/gather.h"

#include <limits>
#include <numeric>

#include "kernels/op_test.h"

namespace qk {
namespace {

std::vector<float> counting(size_t size) {
  std::vector<float> numbers(size);
  std::iota(numbers.begin(), numbers.end(), 0.0F);
  return numbers;
}

TEST(GatherRowsTest, RowsInTheirOrder) {
  TestContext context(1);
  const std::vector<float> x = counting(12);
  const std::vector<int32_t> rows = {3, 0, 3};
  std::vector<float> out(9);
  gather_rows_host(context, ConstMatrixView(x.data(), {4, 3}), rows,
                   MatrixView(out.data(), {3, 3}));
  EXPECT_EQ(out, (std::vector<float>{9, 10, 11, 0, 1, 2, 9, 10, 11}));
}

TEST(GatherRowsTest, RowsMoveToTheFrontWithinTheirOwnMemory) {
  TestContext context(1);
  std::vector<float> x = counting(10);
  const MatrixView all(x.data(), {5, 2});
  const std::vector<int32_t> rows = {1, 2, 4};
  gather_rows_host(context, all, rows, all.slice(1, 4));
  EXPECT_EQ(x, (std::vector<float>{0, 1, 2, 3, 4, 5, 8, 9, 8, 9}));
}

TEST(GatherRowsDeathTest, RefusesARowThatIsNotThere) {
  TestContext context(1);
  std::vector<float> x(4);
  const MatrixView all(x.data(), {2, 2});
  const int32_t row = 2;
  EXPECT_DEATH(gather_rows_host(context, all, {&row, 1}, all.slice(0, 1)), "check");
}

TEST(GatherTapsTest, RowsAndHeads) {
  TestContext context(1);
  const std::vector<float> x = counting(24);  // [3, 4, 2]
  const std::vector<int32_t> rows = {0, 2};
  const std::vector<int32_t> heads = {1, 3};
  std::vector<float> out(8);
  EXPECT_EQ(gather_taps_host(context, TensorView<const float, 3>(x.data(), {3, 4, 2}), rows, heads,
                             TensorView<float, 3>(out.data(), {2, 2, 2})),
            2);
  EXPECT_EQ(out, (std::vector<float>{2, 3, 6, 7, 18, 19, 22, 23}));
}

TEST(GatherTapsTest, NamesTheFirstRowThatIsNotFinite) {
  TestContext context(1);
  const std::vector<int32_t> rows = {1, 3, 4};
  const std::vector<int32_t> heads = {0};
  std::vector<float> out(6);
  const auto first_fault = [&](size_t at, float value) {
    std::vector<float> x(20);  // [5, 2, 2]
    x[at] = value;
    return gather_taps_host(context, TensorView<const float, 3>(x.data(), {5, 2, 2}), rows, heads,
                            TensorView<float, 3>(out.data(), {3, 1, 2}));
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(first_fault(5, std::nanf("")), 0);
  EXPECT_EQ(first_fault(13, kInfinity), 1);
  EXPECT_EQ(first_fault(16, -kInfinity), 2);
  EXPECT_EQ(first_fault(8, kInfinity), 3) << "a row that is not wanted";
  EXPECT_EQ(first_fault(7, kInfinity), 3) << "a head that is not wanted";
}

}  // namespace
}  // namespace qk
