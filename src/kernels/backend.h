// The table of operations that the layer loop calls: one row per backend, chosen once.
//
// Each operation has a file of its own (<op>.h states the formula), a naive reference (<op>_ref.cc,
// the oracle of the tests) and an implementation per backend (<op>_cpu.cc). Operations split their
// work over the pool themselves; inside one task everything is single-threaded.
//
// Every output number is made by the same sequence of float32 operations whatever the number of
// rows in the call, the number of threads, and the SIMD width: so results do not depend on
// batching, chunking, threads or the machine. See docs/decisions/0002-own-matrix-product.md.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/tensor.h"
#include "base/thread_pool.h"

namespace qk {

enum class NormKind : uint8_t {
  kRms,         // y = w * x * rsqrt(mean(x^2) + eps)
  kRmsPlusOne,  // y = (1 + w) * x * rsqrt(mean(x^2) + eps)
};

enum class Activation : uint8_t {
  kSilu,      // x / (1 + exp(-x))
  kGeluTanh,  // 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  kGeluErf,   // 0.5 x (1 + erf(x / sqrt 2))
};

enum class RopeLayout : uint8_t {  // which two components rotate together
  kHalves,                         // (i, i + rotary_dim / 2)
  kPairs,                          // (2i, 2i + 1)
};

// One product that shares its input with others: y = x W^T + bias, or y += with accumulate.
struct LinearJob {
  WeightMatrix weight;          // [out, in], any stored dtype
  const float* bias = nullptr;  // [out] or none
  MatrixView y;                 // [n, out]
  bool accumulate = false;      // add to y instead of replacing it
};

// Keys and values of one sequence and one layer, in the backend's own layout.
// Memory: kv_floats(...) numbers at `data`, 64-byte aligned, owned by the caller.
struct KeyValueCache {
  float* data = nullptr;
  int64_t capacity = 0;   // tokens
  int64_t num_heads = 0;  // num_key_value_heads
  int64_t head_dim = 0;
};

// Which keys a query sees. Key j for query i: i - window < j <= i, with window 0: all j <= i.
struct AttentionShape {
  float scale = 1.0F;    // multiplies q.k
  int64_t window = 0;    // tokens, the query itself included; 0 = no window
  bool causal = true;    // false (bidirectional): all keys, or |i - j| < window
  int64_t num_keys = 0;  // tokens in the cache
};

struct Backend {
  std::string_view name;

  // out[i] = scale * table[ids[i]];  table [vocab, hidden], out [n, hidden]
  void (*embedding)(ThreadPool& pool, const WeightMatrix& table, std::span<const int32_t> ids,
                    float scale, MatrixView out);
  // Rows of x [n, width]; weight [width]; out [n, width] may be x.
  void (*rms_norm)(ThreadPool& pool, ConstMatrixView x, std::span<const float> weight, float eps,
                   NormKind kind, MatrixView out);
  // All jobs read x [n, in].
  void (*linear)(ThreadPool& pool, ConstMatrixView x, std::span<const LinearJob> jobs);
  // In place on x [n, heads, head_dim]; cos and sin [n, rotary_dim / 2]; components from rotary_dim
  // on stay as they are.
  void (*rope)(ThreadPool& pool, TensorView<float, 3> x, ConstMatrixView cos, ConstMatrixView sin,
               RopeLayout layout);
  // x[i] *= factors[i] for every row of x [n, width]
  void (*scale_rows)(ThreadPool& pool, MatrixView x, std::span<const float> factors);
  // gate = activation(gate) * up, both [n, width]
  void (*gated_activation)(ThreadPool& pool, MatrixView gate, ConstMatrixView up,
                           Activation activation);
  // x += y
  void (*add)(ThreadPool& pool, MatrixView x, ConstMatrixView y);

  // Numbers that the cache of `tokens` tokens needs.
  int64_t (*kv_floats)(int64_t tokens, int64_t num_heads, int64_t head_dim);
  // Stores tokens [first, first + n): k and v [n, num_heads, head_dim].
  void (*kv_store)(ThreadPool& pool, const KeyValueCache& cache, int64_t first,
                   TensorView<const float, 3> k, TensorView<const float, 3> v);
  // out[i] = softmax(scale * q[i].k[visible]) v[visible], per head; query head h reads key head
  // h / (heads / cache.num_heads). q and out [n, heads, head_dim]; positions [n] ascending.
  void (*attention)(ThreadPool& pool, TensorView<const float, 3> q,
                    std::span<const int32_t> positions, const KeyValueCache& cache,
                    const AttentionShape& shape, TensorView<float, 3> out);
};

extern const Backend kRefBackend;  // naive loops, double accumulation: the oracle
extern const Backend kCpuBackend;  // Highway SIMD, chosen at run time

}  // namespace qk
