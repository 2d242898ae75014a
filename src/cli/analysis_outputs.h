// The files of an analysis, and what becomes of those that are there already.
#pragma once

#include <filesystem>
#include <vector>

#include "analysis/analysis_config.h"

namespace qk {

// Those of the tables that exist. Throws Error if there is one and neither the configuration nor
// `overwrite` allows to replace it; where the configuration does, if it was not named and no earlier
// run with the same output_csv wrote it.
std::vector<std::filesystem::path> tables_to_replace(const AnalysisConfig& config, bool overwrite);

}  // namespace qk
