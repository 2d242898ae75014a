// The files of an analysis, and what becomes of those that are there already.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "analysis/analysis_config.h"
#include "analysis/analysis_summary.h"
#include "base/atomic_file.h"
#include "plasticity/diagnostic_warnings.h"
#include "plasticity/head_metrics.h"
#include "report/csv_tables.h"
#include "report/profile_table.h"
#include "report/replicate_table.h"

namespace qk {

// Those of the tables that exist. Throws Error if there is one and neither the configuration nor
// `overwrite` allows to replace it; where the configuration does, if it was not named and no earlier
// run with the same output_csv wrote it.
std::vector<std::filesystem::path> tables_to_replace(const AnalysisConfig& config, bool overwrite);

// Where the heads go as they are measured.
struct AnalysisOutputs {
  CsvTables tables;
  std::optional<ReplicateTable> replicates;  // with error bars
  std::optional<ProfileTable> profiles;      // if they are wanted
  AnalysisSummary summary;
  DiagnosticWarnings diagnostics;
  bool replaces_older;  // removes older tables for which there are no rows; the original does not
  std::filesystem::path record;
  AtomicFile record_file;

  // Removes what a killed run left of the tables that this one does not write. Throws Error if a file
  // cannot be made, or if another process is writing it.
  explicit AnalysisOutputs(const AnalysisConfig& config);
  // REQUIRES: heads come in their order.
  void add(const HeadMetrics& head);
  // Removes the earlier record, puts the tables in place, and then the record, `text`: what a process
  // has half replaced when it is killed or fails has none. Throws Error. REQUIRES: tables.end_heads().
  void finish(const std::string& text);

 private:
  void put_tables_in_place();
};

}  // namespace qk
