// One analysis as a page holds it: the tables that lie in its folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compare/find_results.h"
#include "page/container.h"
#include "page/head_choice.h"

namespace qk {

struct PageFile {
  std::string name;
  int64_t bytes = 0;
  std::string sha256;
};

struct MissingTable {
  std::string file;
  std::string command;  // that writes it
};

struct PageAnalysis {
  FoundResults found;
  std::string name;                 // of the folder, or what the user calls it
  std::vector<HeadId> heads;        // that are shown, ascending
  int64_t num_heads = 0;            // of the table, with those that are not shown
  NamedTables tables;               // "heads" first
  std::vector<PageFile> files;
  std::vector<MissingTable> missing;
  std::vector<std::string> notes;   // what a reader must know about the tables
};

// Reads every table that is there. `path`: as for find_results(). Throws Error with file, row and column:
// a table that is not whole, lacks a column, has a head that the table of the heads does not have, or
// the same row twice; none of the heads is chosen; a record that is damaged.
PageAnalysis read_page_analysis(const std::filesystem::path& path, const std::string& name,
                                const HeadChoice& choice);

// The name of the folder that the results at `path` lie in, without those above it.
std::string default_name(const std::filesystem::path& path);

// Where a table lies beside that of the heads, by the record or under its own name; empty: nowhere.
std::filesystem::path find_table(const FoundResults& found, const char* record,
                                 std::string_view file);

}  // namespace qk
