// The table of operations that the layer loop calls: one per backend, chosen once.
//
// Each operation has a file of its own (<op>.h states the formula), a naive reference (<op>_ref.cc,
// the oracle of the tests) and an implementation per backend (<op>_cpu.cc); where a plain loop is
// both, they share <op>.cc. Operations split their work over the pool themselves; inside one task
// everything is single-threaded.
//
// cpu and ref make every output number by the same sequence of float32 operations whatever the
// number of rows in the call, the number of threads, and the SIMD width: so results do not depend
// on batching, chunking, threads or the machine. See docs/decisions/0002-own-matrix-product.md.
// A backend that cannot promise this says so in its traits.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/tensor.h"
#include "kernels/activation.h"
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
  // kGeluTanh's formula as a chain of operations, each of which is rounded to a type of half
  // precision; in float32 cpu and ref compute kGeluTanh.
  kGeluNew,   // 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  kGeluFast,  // 0.5 x (1 + tanh(0.7978845608 x (1 + 0.044715 x x)))
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
  Matrix y;                 // [n, out]
  bool accumulate = false;  // add to y instead of replacing it
  int64_t first_row = 0;    // where a head begins, if head_rows is set
};

// What the layer loop has to know of a backend.
struct BackendTraits {
  DType dtype = DType::kF32;  // of activations, caches and tables of cosines
  // A row's bits may depend on the rows that are computed with it: every document is computed
  // alone and whole, up to the last layer that is needed.
  bool rows_depend_on_shape = false;
  // Every step of a formula is rounded where transformers rounds it, so that bits can be equal.
  bool rounds_as_transformers = false;
  // Operations return before they are done; finish_taps waits.
  bool asynchronous = false;
  // Memory of the host: what the backend takes for itself, and whether alloc of n bytes of
  // Memory::kHost takes the next power of two of n.
  int64_t own_host_bytes = 0;
  bool pins_memory = false;
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

// The largest call of a pass.
struct ScratchShape {
  int64_t rows = 0;        // of linear, rms_norm, rope and gated_activation
  int64_t width = 0;       // the most numbers in a row of them
  int64_t tokens = 0;      // of the longest sequence, for attention
  int64_t query_rows = 0;  // of one call of attention
  int64_t num_attention_heads = 0, num_key_value_heads = 0, head_dim = 0;
  int64_t window = 0;  // the smallest of the layers that run; 0: none has one
  bool causal = true;
};

// Matrices and vectors of activations are addresses with a shape: only operations follow them.
struct Backend {
  std::string_view name;
  BackendTraits traits = {};
  void* device = nullptr;  // what make_context of such a backend runs on

  // What the entries below are called with. The pool and the backend outlive it.
  std::unique_ptr<Context> (*make_context)(const Backend& self, ThreadPool& pool);

  // Zeros, 64-byte aligned. Throws Error if there is not that much memory.
  void* (*alloc)(Context& context, Memory kind, int64_t bytes);
  void (*free)(Context& context, void* data);

  // Called once for each weight, before its first use. REQUIRES: it outlives the context.
  BoundMatrix (*bind_weight)(Context& context, const WeightMatrix& weight);
  BoundVector (*bind_vector)(Context& context, std::span<const float> vector);
  // For models that do not fit into memory: these weights will be needed soon, or not for a while.
  // prefetch_weights waits until the memory of what was dropped is free, so a layer's weights are
  // prefetched while the layer before them computes.
  void (*prefetch_weights)(Context& context, std::span<const BoundMatrix> weights);
  void (*drop_weights)(Context& context, std::span<const BoundMatrix> weights);

  // out[i] = scale * table[ids[i]];  table [vocab, hidden] of the host, out [n, hidden]
  void (*embedding)(Context& context, const WeightMatrix& table, std::span<const int32_t> ids,
                    float scale, Matrix out);
  // Rows of x [n, width]; weight [width]; out [n, width] may be x.
  void (*rms_norm)(Context& context, ConstMatrix x, BoundVector weight, float eps, NormKind kind,
                   Matrix out);
  // All jobs read x [n, in].
  void (*linear)(Context& context, ConstMatrix x, std::span<const LinearJob> jobs);
  // cos[r][i] = attention_factor * cos((first + r) * frequencies[i]), likewise sin
  void (*rope_table)(Context& context, std::span<const float> frequencies, float attention_factor,
                     int64_t first, Matrix cos, Matrix sin);
  // In place on x [n, heads, head_dim]; cos and sin [n, rotary_dim / 2]; components from rotary_dim
  // on stay as they are.
  void (*rope)(Context& context, Heads x, ConstMatrix cos, ConstMatrix sin, RopeLayout layout);
  // x[i] *= factors[i] for every row of x [n, width]; factors of the host
  void (*scale_rows)(Context& context, Matrix x, std::span<const float> factors);
  // gate = activation(gate) * up, both [n, width]
  void (*gated_activation)(Context& context, Matrix gate, ConstMatrix up, Activation activation);
  // x += y
  void (*add)(Context& context, Matrix x, ConstMatrix y);
  // out[i] = x[rows[i]]
  void (*gather_rows)(Context& context, ConstMatrix x, std::span<const int32_t> rows, Matrix out);
  // out[i][j] = x[rows[i]][heads[j]] as float32, out of Memory::kHost, rows and heads of the host.
  // Returns a ticket for finish_taps; until then out may not be read.
  int64_t (*gather_taps)(Context& context, ConstHeads x, std::span<const int32_t> rows,
                         std::span<const int32_t> heads, TensorView<float, 3> out);
  // Called once for each ticket, in their order. Returns the first i that is not finite, or
  // rows.size().
  int64_t (*finish_taps)(Context& context, int64_t ticket);

  // Stores tokens [first, first + n): k and v [n, num_heads, head_dim].
  void (*kv_store)(Context& context, const KeyValueCache& cache, int64_t first, ConstHeads k,
                   ConstHeads v);
  // out[i] = softmax(scale * q[i].k[visible]) v[visible], per head; query head h reads key head
  // h / (heads / cache.num_heads). q and out [n, heads, head_dim].
  void (*attention)(Context& context, ConstHeads q, const QueryPositions& positions,
                    const KeyValueCache& cache, const AttentionShape& shape, Heads out);

  // Sizes, known before there is a context.
  // Bytes that the cache of `tokens` tokens needs.
  int64_t (*kv_bytes)(const Backend& self, int64_t tokens, int64_t num_heads, int64_t head_dim);
  // The most bytes of its memory that operations take for themselves.
  int64_t (*scratch_bytes)(const Backend& self, const ScratchShape& shape, int num_threads);

  // Parts of the work, for ForwardTimes: a mark is a moment in the order of the device's work.
  // Null in a backend that is not asynchronous, whose parts the host's clock measures.
  int64_t (*mark)(Context& context) = nullptr;
  // Seconds between two marks; waits for them. Each mark may be used in one call only.
  double (*seconds_between)(Context& context, int64_t begin, int64_t end) = nullptr;
  // Gives up the marks that no call has used, as those of a pass that failed. Never throws.
  void (*forget_marks)(Context& context) = nullptr;
};

// Throws Error that names the backend and the slot if one is empty. Called before the first use.
void check_complete(const Backend& backend);

extern const Backend kRefBackend;  // naive loops, double accumulation: the oracle
extern const Backend kCpuBackend;  // Highway SIMD, chosen at run time

}  // namespace qk
