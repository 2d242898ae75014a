// A part of a corpus that one process captures by itself: every N-th document.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace qk {

struct Shard {
  int64_t index = 0;  // from 0
  int64_t count = 1;

  bool has(int64_t document) const { return document % count == index; }
  bool operator==(const Shard&) const = default;
};

// "3/32": the documents 3, 35, 67, ... Throws Error that names --shard and what it expects.
Shard parse_shard(std::string_view text);

std::string to_text(const Shard& shard);  // "3/32"

}  // namespace qk
