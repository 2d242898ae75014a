// The one layer loop: hidden states of a batch of sequences from the embedding up to the last layer
// that is tapped, and the tap, the only place where vectors leave the model.
//
// Pruned by the request: layers above the last tapped one do not run; in that layer only q and k of
// the requested heads at the requested rows are computed; in the layer before it, q, attention,
// output and MLP only at rows that are still needed. On a backend whose rows depend on the shape of
// a call (BackendTraits) only layers are pruned, and no call has rows of two sequences: so a row
// depends on its own sequence only, and not on what is asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/tensor.h"
#include "model/bound_model.h"

namespace qk {

// Where a vector is taken. Shapes: q [rows, num_attention_heads, head_dim],
// k [rows, num_key_value_heads, head_dim] (not repeated); the softmax scale is never included.
enum class Site : uint8_t {
  kQueryPreRope,   // after projection, bias and QK-norm, before RoPE
  kQueryPostRope,  // after RoPE and, where the architecture has it, the query's position scale
  kKeyPreRope,
  kKeyPostRope,
};

// Rows and heads wanted from one layer. Rows are token indexes within the packed batch, ascending.
struct LayerRequest {
  std::vector<int32_t> query_rows;
  std::vector<int32_t> key_rows;
  std::vector<int32_t> query_heads;  // ascending; empty: no queries wanted
  std::vector<int32_t> key_heads;
};

struct Sequences {
  std::vector<int32_t> ids;      // all sequences, one after the other
  std::vector<int64_t> offsets;  // [num_sequences + 1]: sequence s is ids[offsets[s], offsets[s+1])
  std::vector<int64_t> full_lengths;  // [num_sequences] tokens of the whole document, >= the part
                                      // given here; RoPE types that depend on the length use it
};

struct TapRequest {
  bool pre_rope = false;
  bool post_rope = true;
  std::vector<LayerRequest> layers;  // [num_hidden_layers]
};

// A vector that is asked for is not finite (damaged weights, or activations that overflow).
class NotFinite : public Error {
 public:
  NotFinite(int layer, bool is_query, int64_t sequence, int64_t token);
  int layer() const { return layer_; }
  bool is_query() const { return is_query_; }
  int64_t sequence() const { return sequence_; }  // of the batch
  int64_t token() const { return token_; }        // of the sequence

 private:
  int layer_;
  bool is_query_;
  int64_t sequence_, token_;
};

// Called once per layer and site that has rows, in increasing order of layer, at the latest when
// the next layer is computed; within a layer queries first. rows [num_rows, num_heads, head_dim] in
// the order of the request, valid during the call only.
using Tap = std::function<void(int layer, Site site, TensorView<const float, 3> rows)>;

inline constexpr int64_t kWholeDocuments = int64_t{1} << 40;

struct ForwardOptions {
  int64_t chunk_tokens = 1024;  // tokens that are processed together; bounds the work memory
  // Queries that one call of attention takes, a multiple of chunk_tokens, or kWholeDocuments.
  // 0: chunk_tokens.
  int64_t attention_tokens = 0;
  bool stream_weights = false;  // a layer's weights are dropped after it: weight_pages.h
};

// Seconds spent, for inference.debug_logging and bench/.
struct ForwardTimes {
  double embedding = 0, norm = 0, linear = 0, rope = 0, attention = 0, activation = 0, tap = 0;
  double matmul_flop = 0;  // multiply-adds counted as 2, of linear and attention together
};

// Throws NotFinite. times: what it takes is added; null: nothing is measured.
void forward(const BoundModel& model, const Sequences& sequences, const TapRequest& request,
             const ForwardOptions& options, const Tap& tap, ForwardTimes* times = nullptr);

struct ForwardBytes {
  int64_t device = 0;  // of the backend: activations, and what its operations take for themselves
  int64_t host = 0;    // vectors that leave the model, lists of rows

  int64_t total() const { return device + host; }
};

// Work memory that forward() allocates for one batch of these sequence lengths. Weights are not
// counted.
ForwardBytes forward_bytes(const Model& model, const Backend& backend,
                           std::span<const int64_t> sequence_lengths, const TapRequest& request,
                           const ForwardOptions& options, int num_threads);

}  // namespace qk
