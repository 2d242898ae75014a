// Where the results of an analysis lie.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace qk {

// What `qkscope analyze` and the original tool call the table of the heads.
inline constexpr const char* kDefaultTable = "head_metrics.csv";

struct FoundResults {
  std::filesystem::path csv;  // the table of the heads
  std::optional<nlohmann::json> record;
};

// `path` is a folder, a table of heads under any name, or a record. Throws Error: nothing is there, no
// results or several in the folder, what has the name of the record is something else, or the tables
// are half replaced (record_file.h).
FoundResults find_results(const std::filesystem::path& path);

// Throws Error if the record counts other heads.
void refuse_lost_heads(const FoundResults& found, size_t num_heads);

// The file name that a record gives for a table; empty if it has none.
std::string table_name(const nlohmann::json& record, const char* table);

}  // namespace qk
