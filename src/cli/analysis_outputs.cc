#include "cli/analysis_outputs.h"

#include <string>
#include <system_error>

#include "base/error.h"

namespace qk {

namespace fs = std::filesystem;

std::vector<fs::path> tables_to_replace(const AnalysisConfig& config, bool overwrite) {
  std::vector<fs::path> out = {config.output_csv, config.bucket_csv, config.component_csv};
  if (config.measure.error_bars.wanted()) out.emplace_back(config.ci_csv);
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
