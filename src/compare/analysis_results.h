// The results of one `qkscope analyze`, or of the original tool, as they lie on the disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compare/settings.h"
#include "report/replicate_table.h"

namespace qk {

struct HeadNumbers {
  int64_t layer = 0;
  int64_t q_head = 0;
  int64_t k_head = 0;
  int64_t head_dim = 0;
  std::vector<double> values;  // of AnalysisResults::metrics; NaN: none
};

struct AnalysisResults {
  std::filesystem::path csv;  // the metrics of the heads
  bool has_record = false;
  Settings settings;
  std::string method;                    // whose ap_overall this is; empty: not known
  std::vector<std::string> methods;      // that were run
  std::vector<std::string> metrics;      // columns of the table after d_model
  std::vector<HeadNumbers> heads;        // ascending by (layer, q_head)
  std::optional<int64_t> last_q_bucket;  // of the plasticity; none: not known
  std::optional<Replicates> replicates;
};

// `path` is a folder, its head_metrics.csv (under any name), or its record. `method`: another method
// than the first one of the analysis; then the only metric is ap_overall. Throws Error: no results or
// several in the folder, a table that is not that of the heads, or not as its record counts it, a damaged
// record, a method that was not run, replicates that belong to other numbers.
AnalysisResults read_results(const std::filesystem::path& path,
                             const std::optional<std::string>& method);

}  // namespace qk
