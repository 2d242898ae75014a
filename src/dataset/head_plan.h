// Which records of a journal make up which file.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dataset/journal.h"

namespace qk {

// The records of one layer and kind, in document order, and what they agree on.
struct LayerPlan {
  int32_t layer = 0;
  Kind kind = Kind::kQuery;
  int32_t head_dim = 0;
  std::optional<int32_t> sliding_window;
  bool has_tokens = false;
  bool has_pre_rope = false;
  std::vector<const JournalReader::Entry*> entries;
};

// One file: a head's part of each record of its layer and kind that has it.
struct HeadPlan {
  const LayerPlan* layer = nullptr;
  int32_t head = 0;

  std::string config() const { return config_name(layer->layer, head, layer->kind); }
};

struct DatasetPlan {
  std::vector<LayerPlan> layers;  // by layer, queries first; each has at least one row
  std::vector<HeadPlan> heads;    // in the order of layers, then by head
};

// The plan points into `journal`. Throws Error if records of one layer and kind contradict each
// other (head_dim, window, columns).
DatasetPlan plan_dataset(const JournalReader& journal);

}  // namespace qk
