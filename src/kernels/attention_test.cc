#include "kernels/attention.h"

#include <algorithm>

#include "kernels/op_test.h"

namespace qk {
namespace {

struct Case {
  int64_t tokens, heads, kv_heads, head_dim, window;
  bool causal;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.tokens << " tokens, heads " << c.heads << "/" << c.kv_heads << " of "
             << c.head_dim << ", window " << c.window << (c.causal ? "" : ", bidirectional");
}

struct Inputs {
  explicit Inputs(const Case& c)
      : q(normal_numbers(c.tokens * c.heads * c.head_dim, 1)),
        k(normal_numbers(c.tokens * c.kv_heads * c.head_dim, 2, 2.0F)),
        v(normal_numbers(c.tokens * c.kv_heads * c.head_dim, 3)) {}
  std::vector<float> q, k, v;
};

// The rows at `positions`; keys are stored in chunks of `chunk` tokens.
std::vector<float> run(const Backend& backend, const Case& c, const Inputs& in,
                       const QueryPositions& positions, int64_t num_queries, int threads,
                       int64_t chunk) {
  TestContext context(threads);
  const auto floats =
      static_cast<size_t>(backend.kv_bytes(backend, c.tokens, c.kv_heads, c.head_dim)) /
          sizeof(float) +
      16;
  std::vector<float> memory(floats, std::nanf(""));  // what is not stored must not be used
  const size_t bytes = reinterpret_cast<uintptr_t>(memory.data()) % 64;
  const KeyValueCache cache{memory.data() + (bytes == 0 ? 0 : (64 - bytes) / 4), c.tokens,
                            c.kv_heads, c.head_dim};
  const int64_t kv_width = c.kv_heads * c.head_dim;
  for (int64_t first = 0; first < c.tokens; first += chunk) {
    const std::array<int64_t, 3> shape{std::min(chunk, c.tokens - first), c.kv_heads, c.head_dim};
    backend.kv_store(context, cache, first,
                     TensorView<const float, 3>(in.k.data() + first * kv_width, shape),
                     TensorView<const float, 3>(in.v.data() + first * kv_width, shape));
  }
  const int64_t width = c.heads * c.head_dim;
  std::vector<float> q;
  for (int64_t i = 0; i < num_queries; ++i) {
    const auto first = in.q.begin() + positions[i] * width;
    q.insert(q.end(), first, first + width);
  }
  std::vector<float> out(q.size());
  const std::array<int64_t, 3> shape{num_queries, c.heads, c.head_dim};
  backend.attention(context, TensorView<const float, 3>(q.data(), shape), positions, cache,
                    {.scale = 0.25F, .window = c.window, .causal = c.causal, .num_keys = c.tokens},
                    TensorView<float, 3>(out.data(), shape));
  return out;
}

std::vector<float> run_all(const Backend& backend, const Case& c, const Inputs& in, int threads,
                           int64_t chunk) {
  return run(backend, c, in, {.first = 0}, c.tokens, threads, chunk);
}

std::vector<float> rows_at(const Case& c, const std::vector<float>& whole,
                           const std::vector<int32_t>& positions) {
  const int64_t width = c.heads * c.head_dim;
  std::vector<float> rows;
  for (const int32_t p : positions) {
    rows.insert(rows.end(), whole.begin() + p * width, whole.begin() + (p + 1) * width);
  }
  return rows;
}

class AttentionTest : public testing::TestWithParam<Case> {};

// Scores are sums of head_dim products of size 2 scaled by 1/4: their error moves the weights by
// that much relatively; weights sum to one and values are about 4 at most.
TEST_P(AttentionTest, AgreesWithReferenceOnEveryTarget) {
  const Case c = GetParam();
  const Inputs in(c);
  const std::vector<float> expected = run_all(kRefBackend, c, in, 1, c.tokens);
  const double tolerance = 4 * (8 + static_cast<double>(c.head_dim)) * 0x1p-24 * 4;
  for (const int64_t target : runnable_targets()) {
    const ForcedTarget forced(target);
    expect_near(run_all(kCpuBackend, c, in, 2, 50), expected, tolerance, hwy::TargetName(target));
  }
}

TEST_P(AttentionTest, SameBitsForAnyRowsThreadsAndTarget) {
  const Case c = GetParam();
  const Inputs in(c);
  const std::vector<float> whole = run_all(kCpuBackend, c, in, 1, c.tokens);
  std::vector<int32_t> some;
  for (int32_t p = 0; p < c.tokens; p += 1 + p % 7) some.push_back(p);
  const std::vector<int32_t> last = {static_cast<int32_t>(c.tokens - 1)};
  for (const int64_t target : fused_targets()) {
    const ForcedTarget forced(target);
    for (const int threads : {1, 2, 5}) {
      expect_same_bits(run_all(kCpuBackend, c, in, threads, 100), whole, "whole");
    }
    const int64_t half = c.tokens / 2;
    expect_same_bits(run(kCpuBackend, c, in, {.first = half}, c.tokens - half, 2, 33),
                     {whole.begin() + half * c.heads * c.head_dim, whole.end()},
                     hwy::TargetName(target));
    for (const auto& positions : {some, last}) {
      const std::vector<float> rows =
          run(kCpuBackend, c, in, {.list = positions}, std::ssize(positions), 2, 33);
      expect_same_bits(rows, rows_at(c, whole, positions), hwy::TargetName(target));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionTest,
                         testing::Values(Case{1, 1, 1, 8, 0, true}, Case{45, 4, 2, 12, 0, true},
                                         Case{200, 9, 3, 64, 0, true}, Case{400, 2, 1, 16, 0, true},
                                         Case{400, 3, 1, 16, 37, true}, Case{350, 2, 2, 5, 1, true},
                                         Case{180, 8, 1, 80, 170, true},
                                         Case{90, 2, 1, 128, 0, true},
                                         Case{70, 2, 2, 256, 16, true},
                                         Case{190, 4, 2, 16, 0, false},
                                         Case{300, 2, 1, 8, 40, false}));

// Keys with a large bias, as Qwen 2 has them, make every score about -5,000: only their differences
// matter, in the tile of keys where the softmax starts and in those after it.
TEST(AttentionTest, LargeNegativeScores) {
  const Case c{400, 2, 1, 16, 0, true};
  Inputs in(c);
  for (size_t i = 0; i < in.q.size(); i += 16) in.q[i] = -100.0F;
  for (size_t i = 0; i < in.k.size(); i += 16) in.k[i] = 200.0F;
  const std::vector<float> expected = run_all(kRefBackend, c, in, 1, c.tokens);
  // A score is rounded to 2^-11 or so, a few times: that much of a weight; values are 4 at most.
  for (const int64_t target : runnable_targets()) {
    const ForcedTarget forced(target);
    expect_near(run_all(kCpuBackend, c, in, 2, 50), expected, 4 * 16 * 0x1p-11,
                hwy::TargetName(target));
  }
}

TEST(AttentionTest, VisibleKeys) {
  const auto range = [](int64_t window, bool causal, int64_t position) {
    const KeyRange keys =
        visible_keys({.window = window, .causal = causal, .num_keys = 10}, position);
    return std::pair(keys.begin, keys.end);
  };
  EXPECT_EQ(range(0, true, 4), std::pair(int64_t{0}, int64_t{5}));
  EXPECT_EQ(range(1, true, 4), std::pair(int64_t{4}, int64_t{5}));
  EXPECT_EQ(range(3, true, 4), std::pair(int64_t{2}, int64_t{5}));
  EXPECT_EQ(range(0, false, 4), std::pair(int64_t{0}, int64_t{10}));
  EXPECT_EQ(range(3, false, 4), std::pair(int64_t{2}, int64_t{7}));
  EXPECT_EQ(range(3, false, 9), std::pair(int64_t{7}, int64_t{10}));
}

}  // namespace
}  // namespace qk
