// How the CSV files beside it were made: <output_csv>.json.
#pragma once

#include <string>

#include "analysis/analysis_config.h"
#include "analysis/analysis_run.h"
#include "heads/head_catalog.h"

namespace qk {

struct ProgramName {
  std::string version;
  std::string commit;  // or empty
};

// A JSON object: program, method, what was configured, the dataset, heads measured, skipped, and
// failed with their reasons. The same run gives the same text.
std::string analysis_record(const ProgramName& program, const AnalysisConfig& config,
                            const HeadCatalog& catalog, const AnalysisReport& report);

}  // namespace qk
