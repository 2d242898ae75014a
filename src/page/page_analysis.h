// One analysis as a page holds it: the tables that lie in its folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compare/find_results.h"
#include "page/container.h"
#include "page/head_choice.h"
#include "page/page_summary.h"
#include "page/profile_tables.h"
#include "page/read_table.h"

namespace qk {

struct MissingTable {
  std::string file;
  std::string command;  // that writes it
};

// What a page shows of an analysis.
struct PageWishes {
  HeadChoice heads;
  bool tokens = false;                           // of the points, if the dataset has them
  bool ids = false;                              // names of documents
  std::optional<std::filesystem::path> dataset;  // for both; none: what the record names
  bool of_one = true;                            // the page shows one analysis
};

struct PageAnalysis {
  FoundResults found;
  std::string name;                  // of the folder, or what the user calls it
  std::set<HeadId> all_heads;        // of the table
  std::vector<HeadId> heads;         // that are shown, ascending
  nlohmann::json record;             // as the page shows it; null: none
  std::vector<std::string> methods;  // page_methods()
  nlohmann::ordered_json metrics;    // join_metrics()
  PageSummary summary;
  NamedTables tables;  // "heads" first
  NamedTables points;  // "points" and "rows"; empty: no profiles
  bool has_tokens = false;
  std::vector<std::string> documents;  // by number; empty: not wished, or no ids
  std::vector<PageFile> files;
  std::vector<MissingTable> missing;
  std::vector<std::string> notes;  // what a reader must know about the tables
};

// Reads every table that is there. `path`: as for find_results(). Throws Error with file, row and column:
// a table that is not whole, lacks a column, has a head that the table of the heads does not have, or
// the same row twice; none of the heads is chosen; a record that is damaged; tokens that are wished and
// whose dataset is not there.
PageAnalysis read_page_analysis(const std::filesystem::path& path, const std::string& name,
                                const PageWishes& wishes);

// The name of the folder that the results at `path` lie in, without those above it.
std::string default_name(const std::filesystem::path& path);

// Where a table lies beside that of the heads, by the record or under its own name; empty: nowhere.
std::filesystem::path find_table(const FoundResults& found, const char* record,
                                 std::string_view file);

}  // namespace qk
