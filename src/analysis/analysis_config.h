// The configuration of an analysis: the original tool's YAML fields, and ours. docs/analysis.md
// explains them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "heads/find_dataset.h"
#include "heads/head_catalog.h"
#include "heads/row_choice.h"
#include "plasticity/measure_options.h"

namespace qk {

struct AnalysisConfig {
  DatasetSource source;
  bool source_given = false;  // by dataset, dataset_local_root or dataset_name
  int64_t download_max_workers = 8;
  HeadCounts head_counts;
  RowWishes rows;
  int64_t max_tokens_per_head = 50000;  // rows, of queries and of keys
  MeasureOptions measure;

  std::string output_csv = "head_metrics.csv";
  std::string bucket_csv = "head_bucket_plasticity.csv";
  std::string component_csv = "head_component_weights.csv";
  std::string ci_csv = "head_metrics_ci.csv";
  std::string detail_csv = "head_bucket_details.csv";
  std::string position_csv = "head_positions.csv";
  std::string trend_csv = "head_trends.csv";
  std::string method_csv = "head_methods.csv";
  std::string diagnostic_csv = "head_diagnostics.csv";
  std::string rope_csv = "head_rope_pairs.csv";
  std::string curve_csv = "mean_curves.csv";
  std::string mean_trend_csv = "mean_trends.csv";
  std::string replicates = "head_replicates.parquet";
  std::string profile_parquet = "head_profiles.parquet";
  // Whether existing files may be replaced unasked, as the original does: output_csv was named
  // without output_dir, or compat: reference.
  bool may_replace = false;
  std::set<std::string, std::less<>> named_tables;  // keys of tables whose files were named
  std::optional<int64_t> max_workers;               // threads; none: all cores

  std::string given_json = "{}";      // the fields as they were given, as a JSON object
  std::vector<std::string> warnings;  // full sentences with file and line
};

// When a table is written.
enum class TableUse : uint8_t {
  kAlways,
  kErrorBars,     // if there are error bars
  kNotReference,  // not with compat: reference, which writes what the original writes
  kProfiles,      // if there are profiles
};

// A file of the analysis.
struct OutputTable {
  const char* key;     // of the configuration
  const char* record;  // its name in the record of the run
  std::string AnalysisConfig::* path;
  TableUse use;
};
// The record's names of the tables that are Parquet files; the others are CSV files.
inline constexpr const char* kReplicatesRecord = "replicates";
inline constexpr const char* kProfilesRecord = "profiles";
// All of them, output_csv first.
std::span<const OutputTable> output_tables();
bool is_written(const OutputTable& table, const AnalysisConfig& config);
bool is_csv(const OutputTable& table);

struct ConfigSource {
  std::optional<std::filesystem::path> file;  // --config
  struct Override {
    std::string option;  // for messages: "--seed"
    std::string key;     // "seed"; empty: `value` is "key=value" with the value in YAML (--set)
    std::string value;
    std::vector<std::string> words{};  // instead of `value`, for documents
  };
  std::vector<Override> overrides;  // later ones win
};

// Reads the file, if there is one, and applies the overrides. Throws Error with the file's line or
// the option, and the key: everything that docs/analysis.md calls an error. A field that has no
// effect with the others is a warning, and with --set an Error.
AnalysisConfig load_analysis_config(const ConfigSource& source);

}  // namespace qk
