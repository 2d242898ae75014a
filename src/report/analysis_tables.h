// Which files one analysis has written beside a table: by its record (analysis_record.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace qk {

// Empty: the analysis has not written it, or nothing is known.
struct AnalysisTables {
  std::filesystem::path details;      // head_bucket_details.csv
  std::filesystem::path positions;    // head_positions.csv
  std::filesystem::path trends;       // head_trends.csv
  std::filesystem::path curves;       // mean_curves.csv
  std::filesystem::path diagnostics;  // head_diagnostics.csv
  std::filesystem::path rope_pairs;   // head_rope_pairs.csv
  std::vector<std::string> methods;   // first: that of head_bucket_plasticity.csv
  double confidence = 0;              // of the intervals, 0 to 1; 0: not known
  bool is_contradictory = false;      // several records name the table: nothing is taken from them
};

// By the one record in the folder of `csv` that names it. Tables that are not there are left out. Throws
// Error if a record in the folder is damaged, or if the tables are those of two analyses, because the
// second one has not ended replacing them.
AnalysisTables find_analysis_tables(const std::filesystem::path& csv);

// As refuse_cut_table() of record_file.h, by the one record beside the table that names it; nothing if
// there is none, as beside tables of the original tool. Throws Error as find_analysis_tables(), too.
void refuse_cut_table(const std::filesystem::path& table);

}  // namespace qk
