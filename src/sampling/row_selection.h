// Which tokens of a document are captured in one layer and kind, in the order of the file's rows.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "journal/capture_block.h"
#include "sampling/buckets.h"
#include "sampling/sampler.h"

namespace qk {

// What decides which rows are taken: the fields of the configuration's `capture` section.
struct RowRules {
  SamplerType sampler = SamplerType::kLogUniform;
  double base_rate = 1.0;
  int64_t min_bucket_size = 128;    // tokens
  std::optional<int64_t> max_rows;  // per document, layer and kind; none: no cap
  // A document gives the same rows in all layers, of queries and keys: those that the queries of
  // layer 0 have otherwise. Else each layer and kind draws its own.
  bool shared_positions = false;
};

struct RowSelection {
  std::vector<int32_t> positions;  // [rows] in file order: ascending, or as the row cap drew them
  std::vector<int32_t> buckets;    // [rows]
};

class RowSelector {
 public:
  //   rule  of the bucket column; which rows are taken does not depend on it
  RowSelector(const RowRules& rules, BucketRule rule);

  //   first_head  the lowest captured head of the layer and kind: it seeds the row cap
  // With shared positions, layer, kind and first_head make no difference.
  RowSelection select(int64_t example_id, int layer, Kind kind, int first_head,
                      int64_t num_tokens) const;

 private:
  PositionSampler sampler_;
  Buckets buckets_;
  std::optional<int64_t> max_rows_;
  bool shared_;
};

}  // namespace qk
