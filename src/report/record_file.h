// The record of an analysis (analysis_record.h) as a file beside its tables: <table of the heads>.json.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace qk {

// The record in a file; nothing if there is no such file, or if it is something else. Throws Error if
// it cannot be read.
std::optional<nlohmann::json> read_record(const std::filesystem::path& file);

// Whether the record names the table, a file name.
bool names_table(const nlohmann::json& record, const std::string& table);

// An analysis removes the earlier record, then replaces the tables, then gives the new record its
// name: a record under its temporary name alone stands for a mixture. Throws Error if there is one.
//   table   one of the analysis, for the message
//   record  the path of the record
void refuse_half_replaced(const std::filesystem::path& table, const std::filesystem::path& record);

// Throws Error if the last row of the table has no line end, or if the record, which names the table,
// counts other rows.
void refuse_cut_table(const std::filesystem::path& table, const nlohmann::json& record);

}  // namespace qk
