#include "cli/analysis_outputs.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "report/record_file.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path record_of(const AnalysisConfig& config) { return config.output_csv + ".json"; }

// File names of the tables of an earlier analysis with this output_csv; nothing if there was none.
std::vector<std::string> earlier_tables(const AnalysisConfig& config) {
  const std::optional<json> record = read_record(record_of(config));
  if (!record) return {};
  std::vector<std::string> out;
  for (const json& name : (*record)["tables"]) {
    if (name.is_string()) out.push_back(name.get<std::string>());
  }
  return out;
}

// Of the files that the original would replace: does this one belong to another analysis?
bool is_of_another(const OutputTable& table, const AnalysisConfig& config,
                   const std::vector<std::string>& earlier) {
  if (config.measure.compat_reference || config.named_tables.contains(table.key)) return false;
  const std::string name = fs::path(config.*table.path).filename().string();
  return std::ranges::find(earlier, name) == earlier.end();
}

std::vector<TablePath> csv_paths(const AnalysisConfig& config) {
  std::vector<TablePath> out;
  for (const OutputTable& table : output_tables()) {
    if (is_csv(table) && is_written(table, config))
      out.push_back({table.record, config.*table.path});
  }
  return out;
}

}  // namespace

std::vector<fs::path> tables_to_replace(const AnalysisConfig& config, bool overwrite) {
  const std::vector<std::string> earlier = earlier_tables(config);
  std::vector<fs::path> out;
  std::error_code error;
  for (const OutputTable& table : output_tables()) {
    const fs::path path = config.*table.path;
    if (!is_written(table, config) || !fs::is_regular_file(path, error)) continue;
    out.push_back(path);
    if (overwrite) continue;
    if (!config.may_replace) {
      fail(
          "{}: exists already: --overwrite replaces the files of an earlier analysis, --output_dir "
          "FOLDER writes others",
          path.string());
    }
    if (!is_of_another(table, config, earlier)) continue;
    fail(
        "{}: exists already, and is no table of an earlier {}: --overwrite replaces it, --output_dir "
        "FOLDER writes another",
        path.string(), config.output_csv);
  }
  return out;
}

AnalysisOutputs::AnalysisOutputs(const AnalysisConfig& config)
    : tables(csv_paths(config)),
      replaces_older(!config.measure.compat_reference),
      record(record_of(config)),
      record_file(record) {
  const MeasureOptions& measure = config.measure;
  if (measure.error_bars.wanted()) {
    replicates.emplace(config.replicates, measure.error_bars, measure.seed);
  }
  if (measure.profile_points) {
    profiles.emplace(config.profile_parquet, *measure.profile_points, measure.seed);
  }
  for (const OutputTable& table : output_tables()) {
    if (!is_written(table, config)) remove_leftover(config.*table.path);
  }
}

void AnalysisOutputs::add(const HeadMetrics& head) {
  tables.add(head);
  if (replicates) replicates->add(head);
  if (profiles) profiles->add(head);
  summary.add(head);
  if (head.diagnostics) diagnostics.add(*head.diagnostics);
}

void AnalysisOutputs::put_tables_in_place() {
  tables.finish();
  if (replicates) replicates->finish();
  if (profiles) profiles->finish();
  for (const auto& table : tables.tables()) {
    if (replaces_older && !table->has_rows()) remove_file(table->path());
  }
}

void AnalysisOutputs::finish(const std::string& text) {
  tables.flush();
  if (replicates) replicates->flush();
  if (profiles) profiles->flush();
  record_file.append(text);
  record_file.sync();
  remove_file(record);
  try {
    put_tables_in_place();
  } catch (...) {
    record_file.leave();  // without it nothing would tell that the tables are a mixture
    throw;
  }
  record_file.finish();
}

}  // namespace qk
