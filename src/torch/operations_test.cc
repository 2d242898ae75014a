// Every operation on the cpu in its three types against the formula in double precision.
#include <algorithm>
#include <numbers>

#include "torch/test_plugin.h"

namespace qk_torch::operations_test {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

class Operations : public testing::TestWithParam<int32_t> {
 protected:
  Device device{GetParam()};
  // float32: 1e-5; else a few roundings of the type.
  double tolerance = GetParam() == QK_F32 ? 1e-5 : 4 * unit_of(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Types, Operations, testing::ValuesIn(kTypes));

// A table's rows come in pieces of at most 32 MiB.
TEST_P(Operations, EmbeddingOfManyRows) {
  const int64_t width = 4096, count = 2500;  // 41 MB as float32
  Weight table(device, numbers(3 * width, 1, QK_BF16), width, QK_F32);
  std::vector<int32_t> ids(count);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i % 3);
  Array out(device, count * width);
  ok(api().embedding(device, &table.host, ids.data(), count, 1, out.matrix(width)));
  const std::vector<float> got = out.get();
  for (int64_t i = 0; i < count; ++i) {
    for (const int64_t column : {int64_t{0}, width - 1}) {
      const float x = table.values[static_cast<size_t>(i % 3 * width + column)];
      ASSERT_EQ(got[static_cast<size_t>(i * width + column)], rounded(x, GetParam())) << i;
    }
  }
}

TEST_P(Operations, EmbeddingTakesRowsOfTheHostTimesTheRoundedScale) {
  const float scale = 33.941125F;
  const std::vector<int32_t> ids{3, 0, 3, 6};
  for (const int32_t stored : {QK_F32, QK_F16, QK_BF16, QK_OTHER_TYPE}) {
    Weight table(device, numbers(7 * 5, 1, QK_BF16), 5, stored);
    Array out(device, 4 * 5);
    ok(api().embedding(device, &table.host, ids.data(), 4, scale, out.matrix(5)));
    const std::vector<float> got = out.get();
    for (size_t i = 0; i < got.size(); ++i) {
      const float x =
          rounded(table.values[static_cast<size_t>(ids[i / 5] * 5) + i % 5], GetParam());
      ASSERT_EQ(got[i], rounded(x * rounded(scale, GetParam()), GetParam())) << stored << " " << i;
    }
  }
}

TEST_P(Operations, NormRoundsBeforeTheWeightOrAfterOnePlusTheWeight) {
  const int64_t rows = 6, width = 37;
  const std::vector<float> x = numbers(rows * width, 1, GetParam(), 3);
  Weight weight(device, numbers(width, 2, GetParam()), width, GetParam());
  for (const int32_t norm : {QK_NORM_RMS, QK_NORM_RMS_PLUS_ONE}) {
    Array in(device, x);
    ok(api().rms_norm(device, in.matrix(width), weight.handle, 1e-3F, norm, in.matrix(width)));
    std::vector<double> expected;
    for (size_t i = 0; i < x.size(); ++i) {
      double squares = 0;
      for (size_t c = 0; c < width; ++c) {
        squares += double{x[i / width * width + c]} * x[i / width * width + c];
      }
      const double unit = x[i] / std::sqrt(squares / width + 1e-3);
      const double w = weight.values[i % width];
      expected.push_back(norm == QK_NORM_RMS ? rounded(static_cast<float>(unit), GetParam()) * w
                                             : unit * (1 + w));
    }
    // Gemma's sum 1 + w is not rounded: one rounding, of the result.
    expect_close(in.get(), expected, GetParam() == QK_F32 ? 1e-6 : 1.01 * unit_of(GetParam()),
                 "norm " + std::to_string(norm), 1e-3);
  }
}

TEST_P(Operations, ProductsTakeRowsOfWeightAndBias) {
  const int64_t n = 5, in = 19, out = 4;
  const std::vector<float> x = numbers(n * in, 1, GetParam());
  Weight weight(device, numbers(12 * in, 2, GetParam()), in, GetParam());
  Weight bias(device, numbers(12, 3, GetParam()), 12, GetParam());
  Array input(device, x), first(device, n * out), second(device, n * out);
  Array sum(device, std::vector<float>(n * out, 2.0F));
  const QkLinearJob jobs[] = {
      {weight.handle, bias.handle, first.matrix(out), 2, 0},  // one product with the next
      {weight.handle, bias.handle, second.matrix(out), 6, 0},
      {weight.handle, nullptr, sum.matrix(out), 8, 1},
  };
  ok(api().linear(device, input.matrix(in), jobs, 3));
  const auto expect = [&](const Array& got, int64_t first_row, bool biased, double start) {
    std::vector<double> expected;
    for (int64_t i = 0; i < n * out; ++i) {
      const int64_t row = first_row + i % out;
      double y = start + (biased ? bias.values[static_cast<size_t>(row)] : 0);
      for (int64_t c = 0; c < in; ++c) {
        y += double{x[static_cast<size_t>(i / out * in + c)]} *
             weight.values[static_cast<size_t>(row * in + c)];
      }
      expected.push_back(y);
    }
    expect_close(got.get(), expected, tolerance, "rows from " + std::to_string(first_row), 4);
  };
  expect(first, 2, true, 0);
  expect(second, 6, true, 0);
  expect(sum, 8, false, 2);
}

TEST_P(Operations, RopeTurnsHalvesOrPairsAndLeavesTheRest) {
  const int64_t rows = 9, heads = 3, head_dim = 20, count = 6, first = 1000;
  const std::vector<float> frequencies{1, 0.3F, 0.1F, 0.03F, 0.01F, 0.003F};
  const std::vector<float> x = numbers(rows * heads * head_dim, 1, GetParam());
  Array cos(device, rows * count), sin(device, rows * count);
  ok(api().rope_table(device, frequencies.data(), count, 1.25F, first, cos.matrix(count),
                      sin.matrix(count)));
  const std::vector<float> c = cos.get(), s = sin.get();
  for (size_t i = 0; i < c.size(); ++i) {
    const float angle =
        static_cast<float>(first + static_cast<int64_t>(i) / count) * frequencies[i % count];
    EXPECT_NEAR(c[i], 1.25 * std::cos(double{angle}), tolerance);
    EXPECT_NEAR(s[i], 1.25 * std::sin(double{angle}), tolerance);
  }
  for (const int32_t layout : {QK_ROPE_HALVES, QK_ROPE_PAIRS}) {
    Array turned(device, x);
    ok(api().rope(device, turned.heads(heads, head_dim), cos.matrix(count), sin.matrix(count),
                  layout));
    std::vector<double> expected(x.begin(), x.end());
    for (int64_t v = 0; v < rows * heads; ++v) {
      for (int64_t i = 0; i < count; ++i) {
        const int64_t base = v * head_dim;
        const auto a = static_cast<size_t>(base + (layout == QK_ROPE_HALVES ? i : 2 * i));
        const auto b =
            static_cast<size_t>(base + (layout == QK_ROPE_HALVES ? i + count : 2 * i + 1));
        const auto t = static_cast<size_t>(v / heads * count + i);
        expected[a] = double{x[a]} * c[t] - double{x[b]} * s[t];
        expected[b] = double{x[b]} * c[t] + double{x[a]} * s[t];
      }
    }
    expect_close(turned.get(), expected, tolerance, "layout " + std::to_string(layout), 2);
  }
}

double activated(double x, int32_t activation) {
  const double cubic = x + 0.044715 * x * x * x;
  switch (activation) {
    case QK_SILU:
      return x / (1 + std::exp(-x));
    case QK_GELU_ERF:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2)));
    case QK_GELU_FAST:
      return 0.5 * x * (1 + std::tanh(0.7978845608 * cubic));
    default:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * cubic));
  }
}

// transformers' chain, each step rounded to the type: NewGELUActivation and FastGELUActivation.
float chained(float x, bool fast, int32_t type) {
  const auto r = [type](double y) { return double{rounded(static_cast<float>(y), type)}; };
  const double inner =
      fast ? r(r(x * 0.7978845608) * r(1 + r(r(x * 0.044715) * x)))
           : r(std::sqrt(2 / std::numbers::pi) * r(x + r(0.044715 * r(double{x} * x * x))));
  return static_cast<float>(r(r(0.5 * x) * r(1 + r(std::tanh(inner)))));
}

// The formula as one step differs from the chain in most numbers.
TEST_P(Operations, ChainsOfGeluRoundEachStep) {
  if (GetParam() == QK_F32) return;
  const std::vector<float> g = numbers(4000, 1, GetParam(), 2);
  for (const int32_t activation : {QK_GELU_NEW, QK_GELU_FAST}) {
    Array gate(device, g), up(device, std::vector<float>(g.size(), 1.0F));
    ok(api().gated_activation(device, gate.matrix(40), up.matrix(40), activation));
    const std::vector<float> got = gate.get();
    size_t chain = 0, formula = 0;
    for (size_t i = 0; i < g.size(); ++i) {
      chain += got[i] == chained(g[i], activation == QK_GELU_FAST, GetParam()) ? 1U : 0U;
      const auto whole = static_cast<float>(activated(g[i], activation));
      formula += got[i] == rounded(whole, GetParam()) ? 1U : 0U;
    }
    // Within a step, as a cube, torch rounds in ways of its own.
    EXPECT_GE(chain, g.size() * 99 / 100) << activation;
    EXPECT_LE(formula, g.size() * 9 / 10) << activation;
  }
}

TEST_P(Operations, ActivationsAndSums) {
  const int64_t n = 3, width = 41;
  const std::vector<float> g = numbers(n * width, 1, GetParam(), 2);
  const std::vector<float> u = numbers(n * width, 2, GetParam());
  for (const int32_t activation : {QK_SILU, QK_GELU_TANH, QK_GELU_ERF, QK_GELU_NEW, QK_GELU_FAST}) {
    Array gate(device, g), up(device, u);
    ok(api().gated_activation(device, gate.matrix(width), up.matrix(width), activation));
    std::vector<double> expected;
    for (size_t i = 0; i < g.size(); ++i) {
      expected.push_back(activated(g[i], activation) * u[i]);
    }
    // The chains round each step: their sums 1 + tanh lose what is small beside 1.
    const bool chain = activation == QK_GELU_NEW || activation == QK_GELU_FAST;
    expect_close(gate.get(), expected, chain ? 2 * tolerance : tolerance,
                 "activation " + std::to_string(activation));
  }
  Array x(device, g), y(device, u);
  ok(api().add(device, x.matrix(width), y.matrix(width)));
  const std::vector<float> sum = x.get();
  const std::vector<float> factors{1.7F, -0.3F, 1.0F};
  Array scaled(device, g);
  ok(api().scale_rows(device, scaled.matrix(width), factors.data()));
  const std::vector<float> products = scaled.get();
  for (size_t i = 0; i < g.size(); ++i) {
    EXPECT_EQ(sum[i], rounded(g[i] + u[i], GetParam()));
    EXPECT_EQ(products[i], rounded(g[i] * rounded(factors[i / width], GetParam()), GetParam()));
  }
}

TEST_P(Operations, RowsMayBeGatheredWithinTheirOwnMemory) {
  const std::vector<float> x = numbers(6 * 3, 1, GetParam());
  Array all(device, x);
  const std::vector<int32_t> rows{1, 3, 4};
  ok(api().gather_rows(device, all.matrix(3), rows.data(), 3, {all.data, 3, 3}));
  const std::vector<float> got = all.get();
  for (size_t i = 0; i < 9; ++i) EXPECT_EQ(got[i], x[static_cast<size_t>(rows[i / 3]) * 3 + i % 3]);
}

TEST_P(Operations, TapsAreWidenedAndNameTheFirstRowThatIsNotFinite) {
  const int64_t rows = 5, heads = 4, head_dim = 3;
  std::vector<float> x = numbers(rows * heads * head_dim, 1, GetParam());
  const std::vector<int32_t> chosen{0, 2, 4}, some_heads{3, 1};
  x[(1 * heads + 3) * head_dim] = std::numeric_limits<float>::infinity();  // not chosen
  const std::vector<float> good_numbers = x;
  Array good(device, x);
  x[(2 * heads + 1) * head_dim + 2] = std::numeric_limits<float>::infinity();
  Array bad(device, x);
  void* memory = nullptr;
  ok(api().alloc(device, 1, 2 * 3 * 2 * head_dim * 4, &memory));
  auto* out = static_cast<float*>(memory);
  int64_t tickets[3], row = -1;
  ok(api().gather_taps(device, good.heads(heads, head_dim), chosen.data(), 3, some_heads.data(), 2,
                       out, &tickets[0]));
  ok(api().gather_taps(device, bad.heads(heads, head_dim), chosen.data(), 3, some_heads.data(), 2,
                       out + 18, &tickets[1]));
  ok(api().gather_taps(device, bad.heads(heads, head_dim), nullptr, 0, some_heads.data(), 2, out,
                       &tickets[2]));
  ok(api().finish_taps(device, tickets[0], &row));
  EXPECT_EQ(row, 3);
  for (size_t i = 0; i < 18; ++i) {
    const auto head = static_cast<size_t>(some_heads[i / 3 % 2]);
    const size_t from = (static_cast<size_t>(chosen[i / 6]) * heads + head) * head_dim + i % 3;
    EXPECT_EQ(out[i], good_numbers[from]) << i;
  }
  ok(api().finish_taps(device, tickets[1], &row));
  EXPECT_EQ(row, 1);
  ok(api().finish_taps(device, tickets[2], &row));
  EXPECT_EQ(row, 0);
  EXPECT_EQ(api().finish_taps(device, tickets[2], &row), QK_FAILED);
  api().free(device, memory);
}

TEST_P(Operations, NothingHappensToNoRows) {
  Array x(device, 8);
  Weight weight(device, numbers(8, 1, GetParam()), 4, GetParam());
  const QkMatrix none{x.data, 0, 4};
  const QkLinearJob job{weight.handle, nullptr, {x.data, 0, 2}, 0, 0};
  ok(api().embedding(device, &weight.host, nullptr, 0, 2, none));
  ok(api().rms_norm(device, none, weight.handle, 1e-5F, QK_NORM_RMS, none));
  ok(api().linear(device, none, &job, 1));
  ok(api().scale_rows(device, none, nullptr));
  ok(api().gated_activation(device, none, none, QK_SILU));
  ok(api().add(device, none, none));
  ok(api().gather_rows(device, x.matrix(4), nullptr, 0, none));
  ok(api().rope(device, {x.data, 0, 1, 4}, {x.data, 0, 2}, {x.data, 0, 2}, QK_ROPE_HALVES));
  for (const float number : x.get()) EXPECT_EQ(number, 0);
}

}  // namespace
}  // namespace qk_torch::operations_test
