// What a dataset records about itself: the footers of docs/dataset-format.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "heads/bucket_ranges.h"

namespace qk {

// Where in attention vectors were taken: after the rotary embedding, or before it.
enum class VectorKind : uint8_t { kPostRope, kPreRope };
std::string_view name_of(VectorKind kind);  // "post_rope", "pre_rope"

struct DatasetRecord {
  std::optional<int64_t> num_layers;
  std::optional<int64_t> num_q_heads;
  std::optional<int64_t> num_k_heads;
  std::optional<BucketRanges> ranges;
  std::string model;
  std::optional<VectorKind> vector;  // of the column `vector`
};

// Unknown keys, and values of types other than the format's, are ignored.
DatasetRecord parse_record(const std::map<std::string, std::string>& footer);

}  // namespace qk
