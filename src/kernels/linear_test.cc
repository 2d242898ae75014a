#include "kernels/linear.h"

#include <algorithm>

#include "kernels/mapped_weight.h"
#include "kernels/op_test.h"
#include "kernels/widen.h"

namespace qk {
namespace linear_test {

struct Case {
  int64_t rows, in, out;
  bool bias, accumulate;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.rows << "x" << c.in << "x" << c.out << (c.bias ? " bias" : "")
             << (c.accumulate ? " accumulate" : "");
}

WeightMatrix float_matrix(const std::vector<float>& numbers, int64_t rows, int64_t cols) {
  return {.data = reinterpret_cast<const std::byte*>(numbers.data()),
          .dtype = DType::kF32,
          .rows = rows,
          .cols = cols,
          .stride_bytes = cols * 4};
}

struct Inputs {
  explicit Inputs(const Case& c)
      : x(normal_numbers(c.rows * c.in, 1)),
        weight(normal_numbers(c.out * c.in, 2)),
        bias(normal_numbers(c.out, 3)),
        old(normal_numbers(c.rows * c.out, 4)) {}
  std::vector<float> x, weight, bias, old;
};

using Linear = void (*)(Context&, ConstMatrixView, std::span<const LinearJob>);

// Rows [begin, end) of the case.
std::vector<float> run(Linear linear, const Case& c, const Inputs& in, int threads, int64_t begin,
                       int64_t end) {
  std::vector<float> y(in.old.begin() + begin * c.out, in.old.begin() + end * c.out);
  TestContext context(threads);
  const WeightMatrix weight = float_matrix(in.weight, c.out, c.in);
  const LinearJob job{.weight = bind_mapped_weight(context, weight),
                      .bias = c.bias ? bind_mapped_vector(context, in.bias) : BoundVector{},
                      .y = MatrixView(y.data(), {end - begin, c.out}),
                      .accumulate = c.accumulate};
  linear(context, ConstMatrixView(in.x.data() + begin * c.in, {end - begin, c.in}), {&job, 1});
  return y;
}

class LinearTest : public testing::TestWithParam<Case> {};

// A chain of n roundings of numbers of size sqrt(n): about sqrt(n) * sqrt(n) * 2^-24, times 4.
TEST_P(LinearTest, AgreesWithReferenceOnEveryTarget) {
  const Case c = GetParam();
  const Inputs in(c);
  const std::vector<float> expected = run(linear_ref, c, in, 1, 0, c.rows);
  for (const int64_t target : runnable_targets()) {
    const ForcedTarget forced(target);
    expect_near(run(linear_cpu, c, in, 2, 0, c.rows), expected,
                4 * (static_cast<double>(c.in) + 4) * 0x1p-24, hwy::TargetName(target));
  }
}

TEST_P(LinearTest, SameBitsForAnyRowsThreadsAndTarget) {
  const Case c = GetParam();
  const Inputs in(c);
  const std::vector<float> whole = run(linear_cpu, c, in, 1, 0, c.rows);
  for (const int64_t target : fused_targets()) {
    const ForcedTarget forced(target);
    for (const int threads : {1, 2, 5}) {
      expect_same_bits(run(linear_cpu, c, in, threads, 0, c.rows), whole, hwy::TargetName(target));
    }
    for (const int64_t chunk : {1, 7, 20, 64}) {
      std::vector<float> parts;
      for (int64_t begin = 0; begin < c.rows; begin += chunk) {
        const auto part = run(linear_cpu, c, in, 2, begin, std::min(c.rows, begin + chunk));
        parts.insert(parts.end(), part.begin(), part.end());
      }
      expect_same_bits(parts, whole, hwy::TargetName(target));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LinearTest,
    testing::Values(Case{1, 1, 1, false, false}, Case{3, 5, 33, true, false},
                    Case{14, 32, 32, false, true}, Case{29, 576, 64, true, true},
                    Case{100, 255, 70, false, false}, Case{61, 769, 31, true, false},
                    Case{43, 1536, 100, true, true}, Case{130, 2100, 192, false, true}));

TEST(LinearTest, JobsShareTheirInput) {
  constexpr int64_t kRows = 40;
  constexpr int64_t kIn = 96;
  const std::vector<float> x = normal_numbers(kRows * kIn, 1);
  TestContext context(2);
  std::vector<std::vector<float>> weights, got, expected;
  for (const int64_t out : {64, 10, 200}) {
    weights.push_back(normal_numbers(out * kIn, static_cast<uint32_t>(out)));
    got.emplace_back(kRows * out);
    expected.emplace_back(kRows * out);
  }
  std::vector<WeightMatrix> matrices;
  for (const std::vector<float>& numbers : weights) {
    matrices.push_back(float_matrix(numbers, std::ssize(numbers) / kIn, kIn));
  }
  const auto jobs = [&](std::vector<std::vector<float>>& ys) {
    std::vector<LinearJob> list;
    for (size_t i = 0; i < ys.size(); ++i) {
      list.push_back({.weight = bind_mapped_weight(context, matrices[i]),
                      .y = MatrixView(ys[i].data(), {kRows, matrices[i].rows})});
    }
    return list;
  };
  linear_cpu(context, ConstMatrixView(x.data(), {kRows, kIn}), jobs(got));
  linear_ref(context, ConstMatrixView(x.data(), {kRows, kIn}), jobs(expected));
  for (size_t i = 0; i < got.size(); ++i) expect_near(got[i], expected[i], 3e-5, "job");
}

class LinearStoredTest : public testing::TestWithParam<DType> {};

// Any bytes are valid blocks; the mask keeps their exponents small.
TEST_P(LinearStoredTest, WidensRowsAndUndoesTheirOrder) {
  constexpr int64_t kRows = 30;
  constexpr int64_t kIn = 1024;
  constexpr int64_t kOut = 96;
  const DType dtype = GetParam();
  std::vector<std::byte> stored(static_cast<size_t>(kOut * row_bytes(dtype, kIn)));
  std::mt19937 generator(5);
  for (std::byte& b : stored) b = static_cast<std::byte>(generator() & 0x3B);
  const WeightMatrix weight{.data = stored.data(),
                            .dtype = dtype,
                            .rows = kOut,
                            .cols = kIn,
                            .stride_bytes = row_bytes(dtype, kIn),
                            .head_rows = 32};
  const std::vector<float> x = normal_numbers(kRows * kIn, 1);
  std::vector<float> wide(kOut * kIn);
  for (int64_t r = 0; r < kOut; ++r) {
    widen_row_ref(dtype, weight.row(r), 0, kIn, wide.data() + r * kIn);
  }
  TestContext context(2);
  const auto product = [&](Linear linear, const WeightMatrix& w) {
    std::vector<float> y(kRows * kOut);
    const LinearJob job{.weight = bind_mapped_weight(context, w),
                        .y = MatrixView(y.data(), {kRows, kOut})};
    linear(context, ConstMatrixView(x.data(), {kRows, kIn}), {&job, 1});
    return y;
  };
  const std::vector<float> expected = product(linear_cpu, float_matrix(wide, kOut, kIn));
  expect_same_bits(product(linear_cpu, weight), expected, std::string(info(dtype).name));
  const std::vector<float> reference = product(linear_ref, weight);
  double largest = 0;
  for (const float y : reference) largest = std::max(largest, double{std::abs(y)});
  expect_near(expected, reference, largest * 1e-5, std::string(info(dtype).name));
}

INSTANTIATE_TEST_SUITE_P(Types, LinearStoredTest,
                         testing::Values(DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0,
                                         DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                                         DType::kQ4_K, DType::kQ5_K, DType::kQ6_K));

// Rows [8, 20) of a matrix and of its bias are what those rows of the whole product are.
TEST(LinearTest, SomeRowsOfTheWeight) {
  constexpr int64_t kRows = 5;
  constexpr int64_t kIn = 40;
  TestContext context(2);
  const std::vector<float> x = normal_numbers(kRows * kIn, 1);
  const std::vector<float> numbers = normal_numbers(32 * kIn, 2);
  const std::vector<float> bias = normal_numbers(32, 3);
  WeightMatrix weight = float_matrix(numbers, 32, kIn);
  weight.head_rows = 4;
  for (const Linear linear : {linear_cpu, linear_ref}) {
    const auto product = [&](int64_t first, int64_t count) {
      std::vector<float> y(static_cast<size_t>(kRows * count));
      const LinearJob job{.weight = bind_mapped_weight(context, weight),
                          .bias = bind_mapped_vector(context, bias),
                          .y = MatrixView(y.data(), {kRows, count}),
                          .first_row = first};
      linear(context, ConstMatrixView(x.data(), {kRows, kIn}), {&job, 1});
      return y;
    };
    const std::vector<float> whole = product(0, 32);
    const std::vector<float> part = product(8, 12);
    for (size_t row = 0; row < kRows; ++row) {
      for (size_t i = 0; i < 12; ++i) EXPECT_EQ(part[row * 12 + i], whole[row * 32 + 8 + i]);
    }
  }
}

TEST(LinearTest, NoRowsIsNothingToDo) {
  TestContext context(2);
  const std::vector<float> weight(12, 1.0F);
  const WeightMatrix matrix = float_matrix(weight, 3, 4);
  const LinearJob job{.weight = bind_mapped_weight(context, matrix),
                      .y = MatrixView(nullptr, {0, 3})};
  linear_cpu(context, ConstMatrixView(nullptr, {0, 4}), {&job, 1});
}

TEST(LinearTest, BytesGrowWithRowsAndThreads) {
  EXPECT_GT(linear_bytes(1000, 576, 1), 1000 * 576 * 4);
  EXPECT_GT(linear_bytes(1000, 576, 4), linear_bytes(1000, 576, 1));
}

TEST(LinearTest, BlocksFitEveryStoredType) {
  for (const int64_t in : {1, 255, 256, 576, 768, 769, 896, 960, 1536, 2048, 4096, 14336}) {
    EXPECT_EQ(linear_block(in) % 256, 0) << in;
    EXPECT_LE(linear_block(in), 768) << in;
  }
  EXPECT_EQ(linear_block(576), 768);  // one block
  EXPECT_EQ(linear_block(1536), 768);
}

}  // namespace linear_test
}  // namespace qk
