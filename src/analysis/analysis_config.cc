#include "analysis/analysis_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "analysis/method_config.h"
#include "analysis/method_list.h"
#include "analysis/row_config.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/home_path.h"
#include "download/resolver.h"
#include "yaml/overrides.h"
#include "yaml/yaml_reader.h"

namespace qk {
namespace {

constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
constexpr int64_t kMostHeads = 1'000'000;
constexpr const char* kNoProfiles = "there are no profiles; profiles: true asks for them";

constexpr auto kTextKeys = std::to_array<std::string_view>({"dataset",
                                                            "dataset_name",
                                                            "dataset_cache_dir",
                                                            "dataset_local_root",
                                                            "dataset_revision",
                                                            "model_dir",
                                                            "output_csv",
                                                            "bucket_csv",
                                                            "component_csv",
                                                            "output_dir",
                                                            "compat",
                                                            "method",
                                                            "covariance",
                                                            "vector",
                                                            "ci_csv",
                                                            "error_bars",
                                                            "interval",
                                                            "queries",
                                                            "detail_csv",
                                                            "position_csv",
                                                            "trend_csv",
                                                            "method_csv",
                                                            "diagnostic_csv",
                                                            "rope_csv",
                                                            "curve_csv",
                                                            "mean_trend_csv",
                                                            "replicates",
                                                            "profile_parquet"});

void apply(YamlValue& tree, const ConfigSource::Override& override) {
  if (override.key.empty()) {
    apply_override(tree, override.value);
    return;
  }
  const std::string place = override.option;
  YamlValue value =
      override.key == kDocumentsKey ? documents_value(override) : resolve_scalar(override.value);
  if (std::find(kTextKeys.begin(), kTextKeys.end(), override.key) != kTextKeys.end()) {
    value.kind = YamlValue::Kind::kText;
  }
  value.place = place;
  std::erase_if(tree.entries, [&](const auto& entry) { return entry.key == override.key; });
  tree.entries.push_back({override.key, place, std::move(value)});
}

YamlValue read_tree(const ConfigSource& source) {
  YamlValue tree;
  tree.place = "command line";
  if (source.file) {
    tree = parse_yaml(read_file(*source.file, size_t{1} << 20), source.file->string());
  }
  if (tree.kind == YamlValue::Kind::kNull) tree.kind = YamlValue::Kind::kMapping;
  if (tree.kind != YamlValue::Kind::kMapping) {
    fail("{}: expected a mapping of fields, found {}", tree.place, tree.describe());
  }
  if (source.file) tree.place = source.file->string();
  for (const ConfigSource::Override& override : source.overrides) apply(tree, override);
  return tree;
}

bool is_option(const MappingReader& top, std::string_view key) {
  return top.place(key).starts_with("--");
}

// What says where the dataset is, given as an option although something else decides.
void note_unused_source(MappingReader& top, AnalysisConfig& out) {
  const DatasetSource& source = out.source;
  const auto unused = [&](const char* key, const char* winner) {
    if (top.any(key) == nullptr || !is_option(top, key)) return;
    note_no_effect(top, key, fmt::format("the dataset is given by {}", winner), out);
  };
  if (source.dataset) {
    unused("dataset_local_root", "dataset");
    unused("dataset_name", "dataset");
  } else if (source.dataset_local_root) {
    for (const char* key : {"dataset_name", "dataset_revision", "dataset_cache_dir"}) {
      unused(key, "dataset_local_root");
    }
  }
}

void read_dataset(MappingReader& top, AnalysisConfig& out) {
  out.source.dataset = top.text_or_null("dataset");
  out.source.dataset_local_root = top.text_or_null("dataset_local_root");
  const auto name = top.text_or_null("dataset_name");
  out.source_given = out.source.dataset || out.source.dataset_local_root || name;
  out.source.dataset_name = name.value_or(out.source.dataset_name);
  out.source.dataset_revision = top.text_or_null("dataset_revision");
  out.source.dataset_cache_dir = top.text_or_null("dataset_cache_dir");
  const auto workers = top.integer_or_null("download_max_workers", 1, kAny);
  const auto& source = out.source;
  const bool is_local = source.dataset ? find_on_disk(*source.dataset).has_value()
                                       : source.dataset_local_root.has_value();
  if (workers && is_local) {
    note_no_effect(top, "download_max_workers", "the dataset is a folder", out);
  }
  out.download_max_workers = workers.value_or(out.download_max_workers);
  note_unused_source(top, out);
  out.source.model_dir = expand_home(top.text_or_null("model_dir").value_or("")).string();
  out.head_counts.num_layers = top.integer_or_null("num_layers", 1, kMostHeads);
  out.head_counts.num_q_heads = top.integer_or_null("num_q_heads", 1, kMostHeads);
  out.head_counts.num_k_heads = top.integer_or_null("num_k_heads", 1, kMostHeads);
}

void read_method(MappingReader& top, AnalysisConfig& out) {
  if (const auto compat = top.text_or_null("compat")) {
    constexpr std::array<std::string_view, 1> kModes = {"reference"};
    top.choice("compat", *compat, kModes);
    out.measure.compat_reference = true;
    out.component_csv = "head_component_information.csv";
  }
  read_methods(top, out);
  out.measure.num_pairs_per_bucket = top.integer("num_pairs_per_bucket", 1, int64_t{1} << 24)
                                         .value_or(out.measure.num_pairs_per_bucket);
}

void read_statistics(MappingReader& top, AnalysisConfig& out) {
  out.max_tokens_per_head =
      top.integer("max_tokens_per_head", 1, kAny).value_or(out.max_tokens_per_head);
  out.measure.normality_max_dims =
      top.integer("normality_max_dims", 0, kAny).value_or(out.measure.normality_max_dims);
  out.measure.p_alpha = top.number("p_alpha").value_or(out.measure.p_alpha);
  if (!(out.measure.p_alpha >= 0 && out.measure.p_alpha <= 1)) {
    top.refuse("p_alpha", "a number from 0 to 1");
  }
  constexpr int64_t kHighestSeed = kAny / 2;  // leaves room for what is added for each head
  out.measure.seed = top.integer("seed", 0, kHighestSeed).value_or(out.measure.seed);
  if (const auto workers = top.integer_or_null("max_workers", -kAny, kAny)) {
    out.max_workers = std::max<int64_t>(1, *workers);
  }
}

void read_profile_options(MappingReader& top, AnalysisConfig& out) {
  constexpr int64_t kDefaultPoints = 256;
  constexpr int64_t kMostPoints = 65535;
  const bool is_wanted = top.boolean("profiles").value_or(false);
  const auto points = top.integer("profile_points", 1, kMostPoints);
  if (is_wanted && out.measure.compat_reference) {
    top.refuse_with(
        "profiles",
        "cannot be given with compat: reference, which writes the original's tables only");
  }
  if (is_wanted) out.measure.profile_points = points.value_or(kDefaultPoints);
  if (points && !is_wanted) note_no_effect(top, "profile_points", kNoProfiles, out);
}

void refuse_equal_outputs(const AnalysisConfig& config) {
  const std::span<const OutputTable> tables = output_tables();
  for (const OutputTable& table : tables) {
    if (!is_same_path(config.*table.path, config.output_csv + ".json")) continue;
    fail("{}: expected another file than the record of the analysis, found {}", table.key,
         printable(config.*table.path));
  }
  for (size_t a = 0; a < tables.size(); ++a) {
    for (size_t b = a + 1; b < tables.size(); ++b) {
      const std::string& path = config.*tables[a].path;
      if (!is_same_path(path, config.*tables[b].path)) continue;
      fail("{} and {}: expected two files, found {} twice", tables[a].key, tables[b].key,
           printable(path));
    }
  }
}

void read_outputs(MappingReader& top, AnalysisConfig& out) {
  const bool is_named = top.any("output_csv") != nullptr;
  const auto folder = top.text_or_null("output_dir");
  if (folder && folder->empty()) top.refuse_with("output_dir", "must not be empty");
  out.may_replace = out.measure.compat_reference || (is_named && !folder);
  std::filesystem::path beside = expand_home(folder.value_or(""));
  const auto path = [&](const char* key, std::string& value) {
    const bool is_default = top.any(key) == nullptr;
    if (!is_default) out.named_tables.insert(key);
    value = expand_home(top.text(key).value_or(value)).string();
    if (value.empty()) top.refuse_with(key, "must not be empty");
    if (folder || is_default) value = (beside / value).string();
  };
  path("output_csv", out.output_csv);
  if (!folder && is_named && !out.measure.compat_reference) {
    beside = std::filesystem::path(out.output_csv).parent_path();
  }
  for (const OutputTable& table : output_tables()) {
    if (std::string_view(table.key) != "output_csv") path(table.key, out.*table.path);
  }
  refuse_equal_outputs(out);
}

const char* why_unwritten(TableUse use) {
  if (use == TableUse::kErrorBars) {
    return "there are no error bars; error_bars or bootstrap asks for them";
  }
  if (use == TableUse::kProfiles) return kNoProfiles;
  return "with compat: reference only the original's tables are written";
}

// Files that were named for tables that this run does not write.
void note_unwritten_tables(MappingReader& top, AnalysisConfig& out) {
  for (const OutputTable& table : output_tables()) {
    if (is_written(table, out) || !out.named_tables.contains(table.key)) continue;
    note_no_effect(top, table.key, why_unwritten(table.use), out);
  }
}

}  // namespace

std::span<const OutputTable> output_tables() {
  static constexpr std::array<OutputTable, 14> kTables = {{
      {"output_csv", "heads", &AnalysisConfig::output_csv, TableUse::kAlways},
      {"bucket_csv", "buckets", &AnalysisConfig::bucket_csv, TableUse::kAlways},
      {"component_csv", "components", &AnalysisConfig::component_csv, TableUse::kAlways},
      {"ci_csv", "intervals", &AnalysisConfig::ci_csv, TableUse::kErrorBars},
      {"detail_csv", "details", &AnalysisConfig::detail_csv, TableUse::kNotReference},
      {"position_csv", "positions", &AnalysisConfig::position_csv, TableUse::kNotReference},
      {"trend_csv", "trends", &AnalysisConfig::trend_csv, TableUse::kNotReference},
      {"method_csv", "methods", &AnalysisConfig::method_csv, TableUse::kNotReference},
      {"diagnostic_csv", "diagnostics", &AnalysisConfig::diagnostic_csv, TableUse::kNotReference},
      {"rope_csv", "rope_pairs", &AnalysisConfig::rope_csv, TableUse::kNotReference},
      {"curve_csv", "curves", &AnalysisConfig::curve_csv, TableUse::kNotReference},
      {"mean_trend_csv", "mean_trends", &AnalysisConfig::mean_trend_csv, TableUse::kNotReference},
      {"replicates", kReplicatesRecord, &AnalysisConfig::replicates, TableUse::kErrorBars},
      {"profile_parquet", kProfilesRecord, &AnalysisConfig::profile_parquet, TableUse::kProfiles},
  }};
  return kTables;
}

bool is_written(const OutputTable& table, const AnalysisConfig& config) {
  switch (table.use) {
    case TableUse::kAlways:
      return true;
    case TableUse::kErrorBars:
      return config.measure.error_bars.wanted();
    case TableUse::kNotReference:
      return !config.measure.compat_reference;
    case TableUse::kProfiles:
      return config.measure.profile_points.has_value();
  }
  return false;
}

bool is_csv(const OutputTable& table) {
  const std::string_view record = table.record;
  return record != kReplicatesRecord && record != kProfilesRecord;
}

AnalysisConfig load_analysis_config(const ConfigSource& source) {
  const YamlValue tree = read_tree(source);
  AnalysisConfig out;
  MappingReader top(tree, "");
  read_dataset(top, out);
  read_method(top, out);
  read_row_options(top, out);
  read_statistics(top, out);
  read_profile_options(top, out);
  read_outputs(top, out);
  read_method_options(top, out);
  note_unwritten_tables(top, out);
  top.reject_unknown_keys();
  out.given_json = yaml_to_json(tree);
  return out;
}

}  // namespace qk
