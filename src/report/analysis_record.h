// How the CSV files beside it were made: <output_csv>.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analysis/analysis_config.h"
#include "analysis/analysis_run.h"
#include "heads/head_catalog.h"
#include "report/figure_positions.h"

namespace qk {

struct ProgramName {
  std::string version;
  std::string commit;  // or empty
};

// A JSON object: program, method, what was configured, the dataset, heads measured, skipped, and
// failed with their reasons, and how many rows the CSV files have. The same run gives the same text.
//   row_counts  of the CSV files, by their names in the record
std::string analysis_record(const ProgramName& program, const AnalysisConfig& config,
                            const HeadCatalog& catalog, const AnalysisReport& report,
                            std::span<const std::pair<std::string, int64_t>> row_counts);

// Where the buckets of a table lie: by the records in its folder that name it (x.json beside a table
// x), each answer once. Nothing if there is none, or if the dataset did not say it.
std::vector<BucketScale> recorded_buckets(const std::filesystem::path& bucket_csv);

}  // namespace qk
