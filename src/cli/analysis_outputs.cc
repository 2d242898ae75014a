#include "cli/analysis_outputs.h"

#include <string>
#include <system_error>

#include "base/error.h"

namespace qk {

namespace fs = std::filesystem;

std::vector<fs::path> tables_to_replace(const AnalysisConfig& config, bool overwrite) {
  std::vector<fs::path> out;
  for (const OutputTable& table : output_tables()) {
    if (is_written(table, config)) out.emplace_back(config.*table.path);
  }
  std::error_code error;
  std::erase_if(out, [&](const fs::path& path) { return !fs::is_regular_file(path, error); });
  if (!out.empty() && !config.may_replace && !overwrite) {
    fail(
        "{}: exists already: --overwrite replaces the files of an earlier analysis, --output_dir "
        "FOLDER writes others",
        out.front().string());
  }
  return out;
}

}  // namespace qk
