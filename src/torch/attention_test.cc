// Attention on the cpu against the formula in double precision, whole and in chunks of queries.
#include <algorithm>
#include <ostream>
#include <sstream>

#include "torch/test_plugin.h"

namespace qk_torch::attention_test {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

struct Case {
  int64_t tokens, heads, kv_heads, head_dim, window;
  bool causal;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.tokens << " tokens, heads " << c.heads << "/" << c.kv_heads << " of "
             << c.head_dim << ", window " << c.window << (c.causal ? "" : ", bidirectional");
}

bool visible(const Case& c, int64_t i, int64_t j) {
  if (c.causal && j > i) return false;
  return c.window == 0 || std::abs(i - j) < c.window;
}

struct Inputs {
  Inputs(const Case& c, int32_t type)
      : q(numbers(c.tokens * c.heads * c.head_dim, 1, type)),
        k(numbers(c.tokens * c.kv_heads * c.head_dim, 2, type)),
        v(numbers(c.tokens * c.kv_heads * c.head_dim, 3, type)) {}
  std::vector<float> q, k, v;
};

constexpr float kScale = 0.25F;

// Of query i and head h into out [head_dim].
void naive_row(const Case& c, const Inputs& in, int64_t i, int64_t h, double* out) {
  const int64_t kv = h / (c.heads / c.kv_heads);
  double sum = 0;
  for (int64_t j = 0; j < c.tokens; ++j) {
    if (!visible(c, i, j)) continue;
    double score = 0;
    for (int64_t d = 0; d < c.head_dim; ++d) {
      score += double{in.q[static_cast<size_t>((i * c.heads + h) * c.head_dim + d)]} *
               in.k[static_cast<size_t>((j * c.kv_heads + kv) * c.head_dim + d)];
    }
    const double weight = std::exp(score * kScale);
    sum += weight;
    for (int64_t d = 0; d < c.head_dim; ++d) {
      out[d] += weight * in.v[static_cast<size_t>((j * c.kv_heads + kv) * c.head_dim + d)];
    }
  }
  for (int64_t d = 0; d < c.head_dim; ++d) out[d] /= sum;
}

std::vector<double> naive(const Case& c, const Inputs& in) {
  std::vector<double> out(in.q.size(), 0);
  for (int64_t i = 0; i < c.tokens; ++i) {
    for (int64_t h = 0; h < c.heads; ++h) {
      naive_row(c, in, i, h, &out[static_cast<size_t>((i * c.heads + h) * c.head_dim)]);
    }
  }
  return out;
}

std::vector<float> run(Device& device, const Case& c, const Inputs& in, int64_t chunk) {
  const int64_t bytes = api().kv_bytes(device.type, c.tokens, c.kv_heads, c.head_dim);
  Array memory(device, bytes), k(device, in.k), v(device, in.v), q(device, in.q);
  Array out(device, static_cast<int64_t>(in.q.size()));
  const QkCache cache{memory.data, c.tokens, c.kv_heads, c.head_dim};
  const int64_t element = device.type == QK_F32 ? 4 : 2;
  const auto rows = [&](const Array& array, int64_t heads, int64_t first, int64_t count) {
    char* data = static_cast<char*>(array.data) + first * heads * c.head_dim * element;
    return QkHeads{data, count, heads, c.head_dim};
  };
  for (int64_t first = 0; first < c.tokens; first += chunk) {
    const int64_t count = std::min(chunk, c.tokens - first);
    ok(api().kv_store(device, cache, first, rows(k, c.kv_heads, first, count),
                      rows(v, c.kv_heads, first, count)));
  }
  for (int64_t first = 0; first < c.tokens; first += chunk) {
    const int64_t count = std::min(chunk, c.tokens - first);
    const QkAttention shape{first, c.tokens, c.window, kScale, c.causal ? 1 : 0};
    ok(api().attention(device, rows(q, c.heads, first, count), cache, &shape,
                       rows(out, c.heads, first, count)));
  }
  return out.get();
}

double tolerance(int32_t type) { return type == QK_F32 ? 1e-5 : 4 * unit_of(type); }

void expect_formula(const Case& c) {
  for (const int32_t type : kTypes) {
    const Inputs in(c, type);
    const std::vector<double> expected = naive(c, in);
    for (const bool dispatched : {false, true}) {
      Device device(type, dispatched);
      for (const int64_t chunk : {c.tokens, (c.tokens + 2) / 3, int64_t{1}}) {
        std::ostringstream what;
        what << c << ", type " << type << ", chunks of " << chunk
             << (dispatched ? ", dispatched" : "");
        expect_close(run(device, c, in, chunk), expected, tolerance(type), what.str());
      }
    }
  }
}

TEST(Attention, EverySizeOfHeads) {
  for (const int64_t head_dim : {16, 20, 64, 80, 96, 112, 128, 160, 192, 256}) {
    expect_formula({37, 2, 1, head_dim, 0, true});
  }
}

TEST(Attention, GroupsOfQueryHeads) {
  for (const auto& [heads, kv_heads] : {std::pair{1, 1}, {4, 4}, {6, 2}, {7, 1}, {8, 4}}) {
    expect_formula({29, heads, kv_heads, 16, 0, true});
    expect_formula({29, heads, kv_heads, 16, 5, true});
  }
}

TEST(Attention, WindowsAroundTheLength) {
  for (const int64_t window : {1, 2, 7, 39, 40, 41, 1000}) {
    expect_formula({40, 4, 2, 16, window, true});
    expect_formula({40, 4, 2, 16, window, false});
  }
}

TEST(Attention, WholeBidirectionalDocuments) { expect_formula({40, 4, 2, 16, 0, false}); }
TEST(Attention, OneToken) { expect_formula({1, 4, 2, 16, 0, true}); }

// Several bands of 1,024 queries, and chunks that begin inside one.
TEST(Attention, SeveralBands) {
  for (const Case& c : {Case{2500, 2, 1, 16, 100, true}, Case{1700, 4, 2, 20, 300, true},
                        Case{1400, 3, 1, 16, 200, false}, Case{1200, 2, 2, 16, 5000, false}}) {
    for (const int32_t type : kTypes) {
      const Inputs in(c, type);
      const std::vector<double> expected = naive(c, in);
      Device device(type);
      for (const int64_t chunk : {c.tokens, c.tokens - 200}) {
        std::ostringstream what;
        what << c << ", type " << type << ", chunks of " << chunk;
        expect_close(run(device, c, in, chunk), expected, tolerance(type), what.str());
      }
    }
  }
}

// The dispatcher's way has one full mask: bands differ from it by roundings of the sums only.
TEST(Attention, WholeCausalDocumentsHaveTheDispatchersBits) {
  for (const int32_t type : kTypes) {
    const Case c{300, 6, 2, 64, 0, true};
    const Inputs in(c, type);
    Device own(type), dispatched(type, true);
    EXPECT_EQ(run(own, c, in, c.tokens), run(dispatched, c, in, c.tokens)) << type;
  }
}

TEST(Attention, RefusesShapesThatDoNotFit) {
  Device device(QK_F32);
  Array memory(device, 1000), q(device, 3 * 2 * 16);
  const QkCache cache{memory.data, 4, 2, 16};
  const QkAttention beyond{2, 4, 0, 1, 1}, more_keys{0, 5, 0, 1, 1}, fits{1, 4, 0, 1, 1};
  EXPECT_EQ(api().attention(device, q.heads(2, 16), cache, &beyond, q.heads(2, 16)), QK_FAILED);
  EXPECT_EQ(api().attention(device, q.heads(2, 16), cache, &more_keys, q.heads(2, 16)), QK_FAILED);
  EXPECT_EQ(api().attention(device, q.heads(3, 8), cache, &fits, q.heads(3, 8)), QK_FAILED);
  EXPECT_EQ(api().kv_store(device, cache, 2, q.heads(2, 16), q.heads(2, 16)), QK_FAILED);
  EXPECT_EQ(api().attention(device, q.heads(2, 16), cache, &fits, q.heads(2, 16)), QK_OK);
}

}  // namespace
}  // namespace qk_torch::attention_test
