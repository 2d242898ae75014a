// What a dataset holds and how it is named. The format is a document first: docs/dataset-format.md.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "journal/capture_block.h"

namespace qk {

// The version of the format of docs/dataset-format.md.
inline constexpr std::string_view kDatasetFormat = "1";

// The program that writes a dataset, as every file's footer names it: "qkscope version 0.1.0".
std::string created_by();

// Keys of the footers: the format's version (every file has it) and two JSON objects that the run
// gives: model, tokenizer, corpus, config, seed, build; GQA map, window, RoPE and scale per layer.
inline constexpr std::string_view kFooterFormat = "qkscope.format";
inline constexpr std::string_view kFooterProvenance = "qkscope.provenance";
inline constexpr std::string_view kFooterGeometry = "qkscope.geometry";

// The column with the vectors before RoPE, beside `vector`.
inline constexpr std::string_view kPreRopeColumn = "vector_pre_rope";

// The low 32 bits, as signed: the example_id that `compat: reference` writes.
inline int32_t low_32_bits(int64_t example_id) {
  return static_cast<int32_t>(static_cast<uint32_t>(example_id));
}

// "l05h12q": two digits at least, more when needed.
std::string config_name(int layer, int head, Kind kind);
struct ConfigName {
  int layer = 0;
  int head = 0;
  Kind kind = Kind::kQuery;
  auto operator<=>(const ConfigName&) const = default;
};
// The inverse; empty if the name is not what config_name gives.
std::optional<ConfigName> parse_config_name(std::string_view name);

}  // namespace qk
