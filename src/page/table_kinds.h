// The tables of an analysis that a page shows, and what their columns hold.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "report/csv_table_reader.h"

namespace qk {

struct TableKind {
  std::string_view name;    // in the page: "cells"
  const char* record;       // in the "tables" of the record: "buckets"
  std::string_view file;    // head_bucket_plasticity.csv
  bool is_per_head = true;  // has the columns layer, q_head, k_head
  // Columns that tell the rows of a head (of the whole table) apart, as far as it has them.
  std::vector<std::string_view> keys{};
  // Columns without which it is another table.
  std::vector<std::string_view> required{};
  bool has_metrics = false;  // its numbers are shown as the CSV has them: 64 bits
  // What `qkscope analyze` needs to write it, beside the dataset.
  std::string_view options{};
};

// That of the heads first.
std::span<const TableKind> table_kinds();

// How a column of any of them is read.
CellKind cell_kind(std::string_view column);

// Whether a column counts, or names, rather than measures.
bool is_count(std::string_view column);

}  // namespace qk
