// What a dataset holds and how it is named. The format is a document first: docs/dataset-format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

enum class Kind : uint8_t { kQuery, kKey };

inline char letter(Kind kind) { return kind == Kind::kQuery ? 'q' : 'k'; }

// "l05h12q": two digits at least, more when needed.
std::string config_name(int layer, int head, Kind kind);
// The inverse; empty if the name is not of that form.
struct HeadFile {
  int layer = 0;
  int head = 0;
  Kind kind = Kind::kQuery;
};
std::optional<HeadFile> parse_config_name(std::string_view name);

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
