// What a run captures, decided before anything is computed: heads of every layer, which layers run,
// how many rows to expect. Rules: docs/config.md, section "Heads and layers".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "capture/config.h"
#include "dataset/card.h"
#include "dataset/schema.h"
#include "model/architecture.h"
#include "model/model_config.h"

namespace qk {

enum class Skip : uint8_t {  // why nothing is captured in a layer
  kNone,                     // something is
  kNoSelfAttention,          // the architecture skips the layer as a whole
  kNotInLayers,              // capture.layers does not name it
  kSlidingWindow,            // full_attention_only, and the layer has a window
  kNotSampled,               // no head of it was drawn
};

// One word or two, for the plan and the footers: "captured", "sliding window", ...
const char* skip_name(Skip skip);

struct LayerPlan {
  Skip skip = Skip::kNone;
  std::vector<int32_t> query_heads, key_heads;  // captured ones, ascending
  std::optional<int32_t> sliding_window;        // as recorded in the files

  const std::vector<int32_t>& heads(Kind kind) const {
    return kind == Kind::kQuery ? query_heads : key_heads;
  }
};

struct CapturePlan {
  CaptureSection capture;
  bool compat_reference = false;
  std::vector<LayerPlan> layers;  // [num_hidden_layers]
  int64_t head_dim = 0;
  int64_t query_heads_per_key_head = 1;
  int last_layer = 0;  // the highest one with captures: no later one runs
  int64_t num_query_heads = 0, num_key_heads = 0;  // captured ones, over all layers: files
  std::map<std::string, MetadataValue>
      metadata;  // the card's keys: docs/dataset-format.md, "Values of the run"

  int64_t num_files() const { return num_query_heads + num_key_heads; }
};

// Throws Error with the configuration's key: layers or heads that the model does not have (the
// valid range is named), or nothing that would be captured (with the reason).
CapturePlan make_plan(const SniffConfig& config, const ModelConfig& model,
                      const Architecture& architecture);

// Rows of one head that a document of `num_tokens` tokens is expected to give, the same for every
// layer, kind and head: the sum of the sampler's probabilities, exact without a row cap, an upper
// bound with one.
double expected_rows(const CaptureSection& capture, int64_t num_tokens);

// Bytes of vectors in one row of one head.
int64_t vector_bytes(const CapturePlan& plan);
// Bytes of the whole row before compression, token strings left out.
double row_bytes(const CapturePlan& plan);

}  // namespace qk
