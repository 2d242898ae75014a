// The dataset card README.md: YAML that makes load_dataset(folder, "l00h00q") work for every head,
// then what a reader needs to know. The same input gives the same text.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dataset/dataset_writer.h"
#include "dataset/document_counts.h"

namespace qk {

// A double with an integral value is shown as an integer.
using MetadataValue = std::variant<std::string, int64_t, double>;

inline constexpr size_t kMostCardBytes = size_t{64} << 20;  // of a card that is read

struct CardInfo {
  std::string model;  // its name in the config
  // Keys (docs/dataset-format.md, "Values of the run"): source_dataset, dataset_name,
  // dataset_split, attention_scope, sampling_strategy, sampling_bucket_size or
  // sampling_min_bucket_size, head_sampling_*, and any further ones, which are listed at the end,
  // sorted.
  std::map<std::string, MetadataValue> metadata;
  DatasetSummary summary;
  DocumentCounts documents;
  bool has_token_str = false;
  bool has_pre_rope = false;
  bool compat_reference = false;  // as DatasetOptions
  std::string verification;       // how the model was proven, one paragraph; or empty
  std::string hub_repo;           // "org/name", or empty
  std::string hub_branch;         // or empty
};

std::string dataset_card(const CardInfo& info);

// What a card says in a form that can be checked again; empty in cards of the original.
struct CardFacts {
  std::vector<FileSummary> files;
  std::optional<FileSummary> documents;  // documents.parquet
  std::vector<RowPair> canaries;
  std::optional<int64_t> captured_rows, captured_configs;  // the original's cards have them too
  std::map<int32_t, int64_t> bucket_counts;                // likewise
  bool damaged = false;                                    // a line of a table cannot be read
};

// Reads a card's text. Never throws.
CardFacts read_card(std::string_view text);

// The names of the heads that the YAML at a card's beginning lists; none in cards of the original.
std::set<std::string> listed_configs(std::string_view card);

// Whether a README.md is the card of a dataset, ours or the original's: it lists heads, or says what
// was captured. Never throws.
bool is_dataset_card(std::string_view text);

// The value of a list item of a card's text ("- `model`: `org/name`"), ours or the original's; empty:
// there is none, or it is shown without backquotes ("(empty)").
std::string card_value(std::string_view text, std::string_view key);

// The original's _saver_state.json; only written for compat: reference.
std::string saver_state_json(const CardInfo& info);

}  // namespace qk
