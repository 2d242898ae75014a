// Which records of a journal make up which file.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dataset/journal.h"

namespace qk {

// The records of one layer and kind, in document order, and what they agree on.
struct LayerRecords {
  int32_t layer = 0;
  Kind kind = Kind::kQuery;
  int32_t head_dim = 0;
  std::optional<int32_t> sliding_window;
  bool has_tokens = false;
  bool has_pre_rope = false;
  std::vector<const JournalReader::Entry*> entries;
};

// One file: a head's part of each record of its layer and kind that has it.
struct HeadRecords {
  const LayerRecords* layer = nullptr;
  int32_t head = 0;

  std::string config() const { return config_name(layer->layer, head, layer->kind); }
};

struct DatasetRecords {
  std::vector<LayerRecords> layers;  // by layer, queries first; each has at least one row
  std::vector<HeadRecords> heads;    // in the order of layers, then by head
};

// The result points into `journal`. Throws Error if records of one layer and kind contradict each
// other (head_dim, window, columns).
DatasetRecords sort_records(const JournalReader& journal);

}  // namespace qk
