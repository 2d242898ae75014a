// The CSV tables with rows for every head: their columns, and the rows of a head. docs/analysis.md,
// "What comes out".
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "plasticity/head_metrics.h"

namespace qk {

struct HeadTableFormat {
  std::string_view record;  // the table's name in the record of the run (OutputTable)
  std::string (*header)();  // without the line's end
  std::string (*lines)(const HeadMetrics& head);
};

// In the order of output_tables(). head_metrics.csv, head_bucket_plasticity.csv and
// head_component_weights.csv have the original's columns and text.
std::span<const HeadTableFormat> head_table_formats();

}  // namespace qk
