// What a capture hands to the journal: the vectors of one document in one layer and kind.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qk {

enum class Kind : uint8_t { kQuery, kKey };

inline char letter(Kind kind) { return kind == Kind::kQuery ? 'q' : 'k'; }

// Everything captured of one document in one layer and kind: the unit of the journal.
// Row order is the order of the rows in the files.
struct CaptureBlock {
  int64_t document = 0;  // running number of the document in the run
  int64_t example_id = 0;
  int32_t layer = 0;
  Kind kind = Kind::kQuery;
  int32_t head_dim = 0;
  std::optional<int32_t> sliding_window;  // tokens; none: null in the files
  std::vector<int32_t> heads;             // ascending
  std::vector<int32_t> buckets;           // [rows]
  std::vector<int32_t> positions;         // [rows]
  std::vector<std::string> tokens;        // [rows], or empty: no token_str column
  std::vector<float> vectors;             // [heads, rows, head_dim], head-major
  std::vector<float> vectors_pre_rope;    // the same shape, or empty: no such column
};

}  // namespace qk
