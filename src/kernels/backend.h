// The table of operations that the layer loop calls: one per backend, chosen once.
//
// Each operation has a file of its own (<op>.h states the formula), a naive reference (<op>_ref.cc,
// the oracle of the tests) and an implementation per backend (<op>_cpu.cc); where a plain loop is
// both, they share <op>.cc. Operations split their work over the pool themselves; inside one task
// everything is single-threaded.
//
// Every output number is made by the same sequence of float32 operations whatever the number of
// rows in the call, the number of threads, and the SIMD width: so results do not depend on
// batching, chunking, threads or the machine. See docs/decisions/0002-own-matrix-product.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/tensor.h"
#include "kernels/context.h"

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

// Weights as a backend holds them, made by bind_weight and bind_vector and valid as long as the
// context. Only the backend knows what a handle points to; null: the model has no such weight.
struct BoundMatrix {
  const void* handle = nullptr;
  int64_t rows = 0, cols = 0;

  bool absent() const { return handle == nullptr; }
};
struct BoundVector {
  const void* handle = nullptr;
  int64_t size = 0;

  bool absent() const { return handle == nullptr; }
};

// Where activations live.
enum class Memory : uint8_t {
  kDevice,  // of the backend: only its operations read and write it
  kHost,    // of the host, where gather_taps puts what leaves the model
};

// One product that shares its input with others: y = x W^T + bias, or y += with accumulate, with
// rows [first_row, first_row + out) of weight and bias as W.
struct LinearJob {
  BoundMatrix weight;
  BoundVector bias = {};    // or absent
  MatrixView y;             // [n, out]
  bool accumulate = false;  // add to y instead of replacing it
  int64_t first_row = 0;    // where a head begins, if head_rows is set
};

// Keys and values of one sequence and one layer, in the backend's own layout.
// Memory: kv_bytes(...) at `data`, from alloc (64-byte aligned), owned by the caller.
struct KeyValueCache {
  void* data = nullptr;
  int64_t capacity = 0;   // tokens
  int64_t num_heads = 0;  // num_key_value_heads
  int64_t head_dim = 0;
};

// Positions of the queries of one call in their sequence: first, first + 1, ..., or those of
// `list` (ascending) if there is one.
struct QueryPositions {
  int64_t first = 0;
  std::span<const int32_t> list = {};

  int64_t operator[](int64_t query) const {
    return list.empty() ? first + query : list[static_cast<size_t>(query)];
  }
};

// Which keys a query sees. Key j for query i: i - window < j <= i, with window 0: all j <= i.
struct AttentionShape {
  float scale = 1.0F;    // multiplies q.k
  int64_t window = 0;    // tokens, the query itself included; 0 = no window
  bool causal = true;    // false (bidirectional): all keys, or |i - j| < window
  int64_t num_keys = 0;  // tokens in the cache
};

// Matrices and vectors of activations are addresses with a shape: only operations follow them.
struct Backend {
  std::string_view name;

  // What every other entry is called with. The pool outlives it.
  std::unique_ptr<Context> (*make_context)(ThreadPool& pool);

  // Zeros, 64-byte aligned. Throws Error if there is not that much memory.
  void* (*alloc)(Context& context, Memory kind, int64_t bytes);
  void (*free)(Context& context, void* data);

  // Called once for each weight, before its first use. REQUIRES: it outlives the context.
  BoundMatrix (*bind_weight)(Context& context, const WeightMatrix& weight);
  BoundVector (*bind_vector)(Context& context, std::span<const float> vector);
  // For models that do not fit into memory: these weights will be needed soon, or not for a while.
  void (*prefetch_weights)(Context& context, std::span<const BoundMatrix> weights);
  void (*drop_weights)(Context& context, std::span<const BoundMatrix> weights);

  // out[i] = scale * table[ids[i]];  table [vocab, hidden] of the host, out [n, hidden]
  void (*embedding)(Context& context, const WeightMatrix& table, std::span<const int32_t> ids,
                    float scale, MatrixView out);
  // Rows of x [n, width]; weight [width]; out [n, width] may be x.
  void (*rms_norm)(Context& context, ConstMatrixView x, BoundVector weight, float eps,
                   NormKind kind, MatrixView out);
  // All jobs read x [n, in].
  void (*linear)(Context& context, ConstMatrixView x, std::span<const LinearJob> jobs);
  // cos[r][i] = attention_factor * cos((first + r) * frequencies[i]), likewise sin
  void (*rope_table)(Context& context, std::span<const float> frequencies, float attention_factor,
                     int64_t first, MatrixView cos, MatrixView sin);
  // In place on x [n, heads, head_dim]; cos and sin [n, rotary_dim / 2]; components from rotary_dim
  // on stay as they are.
  void (*rope)(Context& context, TensorView<float, 3> x, ConstMatrixView cos, ConstMatrixView sin,
               RopeLayout layout);
  // x[i] *= factors[i] for every row of x [n, width]; factors of the host
  void (*scale_rows)(Context& context, MatrixView x, std::span<const float> factors);
  // gate = activation(gate) * up, both [n, width]
  void (*gated_activation)(Context& context, MatrixView gate, ConstMatrixView up,
                           Activation activation);
  // x += y
  void (*add)(Context& context, MatrixView x, ConstMatrixView y);
  // out[i] = x[rows[i]]
  void (*gather_rows)(Context& context, ConstMatrixView x, std::span<const int32_t> rows,
                      MatrixView out);
  // out[i][j] = x[rows[i]][heads[j]], out of Memory::kHost; returns the first i that is not finite,
  // or rows.size()
  int64_t (*gather_taps)(Context& context, TensorView<const float, 3> x,
                         std::span<const int32_t> rows, std::span<const int32_t> heads,
                         TensorView<float, 3> out);

  // Stores tokens [first, first + n): k and v [n, num_heads, head_dim].
  void (*kv_store)(Context& context, const KeyValueCache& cache, int64_t first,
                   TensorView<const float, 3> k, TensorView<const float, 3> v);
  // out[i] = softmax(scale * q[i].k[visible]) v[visible], per head; query head h reads key head
  // h / (heads / cache.num_heads). q and out [n, heads, head_dim].
  void (*attention)(Context& context, TensorView<const float, 3> q, const QueryPositions& positions,
                    const KeyValueCache& cache, const AttentionShape& shape,
                    TensorView<float, 3> out);

  // Sizes, known before there is a context.
  // Bytes that the cache of `tokens` tokens needs.
  int64_t (*kv_bytes)(int64_t tokens, int64_t num_heads, int64_t head_dim);
  // Bytes that linear and attention hold between calls with up to `rows` rows of `in` numbers.
  int64_t (*scratch_bytes)(int64_t rows, int64_t in, int64_t head_dim, int num_threads);
};

// Throws Error that names the backend and the slot if one is empty. Called before the first use.
void check_complete(const Backend& backend);

extern const Backend kRefBackend;  // naive loops, double accumulation: the oracle
extern const Backend kCpuBackend;  // Highway SIMD, chosen at run time

}  // namespace qk
