// What a dataset holds and how it is named. The format is a document first: docs/dataset-format.md.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

// The version of the format of docs/dataset-format.md, and the program that writes it, as every
// file's footer names them.
inline constexpr std::string_view kDatasetFormat = "1";
inline constexpr std::string_view kCreatedBy = "qkscope version 0.1.0";

// Keys of the footers: the format's version (every file has it) and two JSON objects that the run
// gives: model, tokenizer, corpus, config, seed, build; GQA map, window, RoPE and scale per layer.
inline constexpr std::string_view kFooterFormat = "qkscope.format";
inline constexpr std::string_view kFooterProvenance = "qkscope.provenance";
inline constexpr std::string_view kFooterGeometry = "qkscope.geometry";

enum class Kind : uint8_t { kQuery, kKey };

inline char letter(Kind kind) { return kind == Kind::kQuery ? 'q' : 'k'; }

// "l05h12q": two digits at least, more when needed.
std::string config_name(int layer, int head, Kind kind);
struct HeadFile {
  int layer = 0;
  int head = 0;
  Kind kind = Kind::kQuery;
  auto operator<=>(const HeadFile&) const = default;
};
// The inverse; empty if the name is not what config_name gives.
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
