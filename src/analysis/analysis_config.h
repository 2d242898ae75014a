// The configuration of an analysis: the original tool's YAML fields, and ours. docs/analysis.md
// explains them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
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
  HeadCounts head_counts;
  RowWishes rows;
  int64_t max_tokens_per_head = 50000;  // rows, of queries and of keys
  MeasureOptions measure;

  std::string output_csv = "head_metrics.csv";
  std::string bucket_csv = "head_bucket_plasticity.csv";
  std::string component_csv = "head_component_weights.csv";
  std::string ci_csv = "head_metrics_ci.csv";
  // Whether existing files may be replaced unasked, as the original does: output_csv was named
  // without output_dir, or compat: reference.
  bool may_replace = false;
  std::optional<int64_t> max_workers;  // threads; none: all cores

  std::string given_json = "{}";      // the fields as they were given, as a JSON object
  std::vector<std::string> warnings;  // full sentences with file and line
};

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
