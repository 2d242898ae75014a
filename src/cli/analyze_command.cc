#include "cli/analyze_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "analysis/analysis_run.h"
#include "analysis/analysis_summary.h"
#include "analysis/method_list.h"
#include "base/atomic_file.h"
#include "base/build_info.h"
#include "base/error.h"
#include "base/home_path.h"
#include "base/thread_pool.h"
#include "cli/analysis_outputs.h"
#include "cli/common_options.h"
#include "cli/number_text.h"
#include "cli/progress_line.h"
#include "cli/rows_text.h"
#include "cli/stop_signal.h"
#include "dataset/overwrite.h"
#include "heads/row_choice.h"
#include "hub/local_resolver.h"
#include "report/analysis_record.h"
#include "report/csv_tables.h"

namespace qk {
namespace {

constexpr const char* kMeasurement = "Measurement";
constexpr const char* kOnline = "Measurement with --method online";
constexpr const char* kErrorBars = "Error bars";

// A field of the configuration that is also an option.
struct FieldOption {
  const char* key;
  const char* type;   // of the value, as the help shows it
  const char* group;  // heading in the help
  const char* help;
};

constexpr auto kFieldOptions = std::to_array<FieldOption>({
    {"dataset", "DIR", kInputGroup,
     "Dataset: a folder, or the id of a Hub dataset in the local cache"},
    {"dataset_local_root", "DIR", kInputGroup, "Dataset folder, under the original tool's name"},
    {"dataset_name", "ID", kInputGroup, "Hub dataset, looked up in the local cache only"},
    {"dataset_revision", "NAME", kInputGroup, "Branch, tag or commit of the Hub dataset"},
    {"dataset_cache_dir", "DIR", kInputGroup, "Hub cache"},
    {"model_dir", "DIR", kInputGroup, "Subfolder of the dataset that holds the heads"},
    {"num_layers", "INT", kInputGroup, "Number of layers (default: from the dataset)"},
    {"num_q_heads", "INT", kInputGroup,
     "Number of query heads per layer (default: from the dataset)"},
    {"num_k_heads", "INT", kInputGroup,
     "Number of key heads per layer (default: from the dataset)"},
    {"download_max_workers", "INT", kInputGroup, "No effect: nothing is downloaded"},
    {"vector", "NAME", kInputGroup,
     "Vectors to measure: post_rope or pre_rope (default: those of the column vector)"},
    {"bucket_width", "INT", kInputGroup,
     "Sort the rows into buckets of so many positions (default: the buckets of the dataset)"},
    {"method", "NAMES", kMeasurement,
     "How plasticity is estimated: bucket, counted, linear or online, or several with commas "
     "between them (default: bucket)"},
    {"queries", "NAME", kMeasurement,
     "Queries that --method counted asks: all or same_document (default: all)"},
    {"covariance", "NAME", kMeasurement,
     "Covariance for --method linear: diagonal or full (default: diagonal)"},
    {"min_queries", "INT", kMeasurement,
     "Fewest queries for a covariance, with --method bucket or online (default: 32)"},
    {"max_tokens_per_head", "INT", kMeasurement,
     "Most rows used per head, sampled at random (default: 50000)"},
    {"num_pairs_per_bucket", "INT", kMeasurement, "Key pairs per pair of buckets (default: 256)"},
    {"normality_max_dims", "INT", kMeasurement,
     "Most noise components tested for normality (default: 64)"},
    {"p_alpha", "FLOAT", kMeasurement, "Significance level of the test (default: 0.01)"},
    {"seed", "INT", kMeasurement, "Seed of all random draws (default: 0)"},
    {"compat", "NAME", kMeasurement, "reference: reproduce the original's numbers and defects"},
    {"online_alpha", "FLOAT", kOnline, "Fraction forgotten per step, above 0 and at most 1"},
    {"online_half_life", "FLOAT", kOnline,
     "Steps until half is forgotten (default: 5 % of the positions)"},
    {"online_clock", "NAME", kOnline,
     "What a step is: position or observation (default: position)"},
    {"online_start", "NAME", kOnline,
     "Start from the first query or from a zero query: first or zero (default: first)"},
    {"online_times", "INT", kOnline, "Times measured per query bucket (default: 1)"},
    {"online_reach", "FLOAT", kOnline,
     "Largest distance within a key pair, as a fraction of the document (default: 0.05)"},
    {"online_reach_unit", "NAME", kOnline, "Unit of that distance: keys or tokens (default: keys)"},
    {"error_bars", "NAME", kErrorBars,
     "Whether numbers get error bars: none, jackknife or bootstrap (default: none)"},
    {"bootstrap", "INT", kErrorBars,
     "Number of resamples of the documents (default with --error_bars bootstrap: 1000)"},
    {"confidence", "FLOAT", kErrorBars, "Confidence level of the intervals (default: 0.95)"},
    {"interval", "NAME", kErrorBars,
     "Kind of bootstrap interval: t, percentile or bias-corrected (default: t)"},
    {"output_dir", "DIR", kOutputGroup, "Folder of the files below (default: the working folder)"},
    {"output_csv", "FILE", kOutputGroup,
     "Metrics of every head (default: head_metrics.csv); the other files go beside it"},
    {"bucket_csv", "FILE", kOutputGroup,
     "Plasticity per pair of buckets (default: head_bucket_plasticity.csv)"},
    {"component_csv", "FILE", kOutputGroup,
     "Weights of components (default: head_component_weights.csv)"},
    {"ci_csv", "FILE", kOutputGroup, "Error bars of every metric (default: head_metrics_ci.csv)"},
    {"detail_csv", "FILE", kOutputGroup,
     "Cells with what stands behind them (default: head_bucket_details.csv)"},
    {"position_csv", "FILE", kOutputGroup,
     "Plasticity over position (default: head_positions.csv)"},
    {"trend_csv", "FILE", kOutputGroup,
     "Slopes over position and distance (default: head_trends.csv)"},
    {"method_csv", "FILE", kOutputGroup, "Methods side by side (default: head_methods.csv)"},
    {"diagnostic_csv", "FILE", kOutputGroup,
     "Position and fit of every head (default: head_diagnostics.csv)"},
    {"rope_csv", "FILE", kOutputGroup, "Position by RoPE pair (default: head_rope_pairs.csv)"},
    {"curve_csv", "FILE", kOutputGroup,
     "Means over heads by position and distance (default: mean_curves.csv)"},
    {"max_workers", "INT", kResourcesGroup, "Number of threads (default: all cores)"},
});

struct AnalyzeFlags {
  std::string config;
  std::vector<std::string> sets;
  std::array<std::string, kFieldOptions.size()> fields;
  std::array<CLI::Option*, kFieldOptions.size()> options{};
  CLI::Option* config_option = nullptr;
  std::vector<std::string> documents;
  int num_threads = 0;
  int64_t ram_bytes = 0;
  bool keep_going = false;
  bool overwrite = false;
  bool quiet = false;
};

constexpr const char* kAnalyzeExamples = R"(
Examples:
  qkscope analyze data/run
  qkscope analyze data/run --method bucket --output_dir results/bucket
  qkscope analyze --config analysis.yaml --seed 7
  qkscope analyze --config analysis.yaml --compat reference --dataset_local_root data/run

The YAML file has the original tool's format; an option given here overrides the field of the same
name. A head that cannot be measured is reported, and the others are still measured and written; the
exit code is then 1. Results go to stdout, progress and warnings to stderr. The methods are explained
in docs/methods.md, all fields and columns in docs/analysis.md.)";

ConfigSource source_of(const AnalyzeFlags& flags) {
  ConfigSource source;
  if (flags.config_option->count() > 0) source.file = expand_home(flags.config);
  for (const std::string& set : flags.sets) source.overrides.push_back({"--set", "", set});
  for (size_t i = 0; i < kFieldOptions.size(); ++i) {
    if (flags.options[i]->count() == 0) continue;
    const std::string key = kFieldOptions[i].key;
    source.overrides.push_back({"--" + key, key, flags.fields[i]});
  }
  if (!flags.documents.empty()) {
    source.overrides.push_back({"--documents", "documents", "", flags.documents});
  }
  return source;
}

std::string progress_text(const AnalysisProgress& progress) {
  const double part = static_cast<double>(progress.done) /
                      static_cast<double>(std::max<int64_t>(progress.total, 1));
  return fmt::format("analyze   {}/{} heads{}", count_text(progress.done),
                     count_text(progress.total), remaining_text(part, progress.seconds));
}

std::string catalog_text(const HeadCatalog& catalog) {
  std::string out = fmt::format(
      "Dataset   {}{}: {} of {} heads "
      "({}, {}, {}{})",
      catalog.folder.string(), catalog.model.empty() ? "" : " of " + printable(catalog.model),
      count_text(catalog.num_heads), count_text(catalog.num_layers * catalog.num_q_heads),
      plural(catalog.num_layers, "layer"), plural(catalog.num_q_heads, "query head"),
      plural(catalog.num_k_heads, "key head"), catalog.is_counted ? ", by the folders" : "");
  if (catalog.without_keys.empty()) return out + "\n";
  std::vector<std::string> names;
  names.reserve(catalog.without_keys.size());
  for (const ConfigName& head : catalog.without_keys) {
    names.push_back(config_name(head.layer, head.head, head.kind));
  }
  constexpr size_t kMostNamed = 8;
  out += fmt::format(
      "; skipped {} without keys ({}{})", plural(std::ssize(names), "head"),
      fmt::join(names.begin(), names.begin() + std::min(names.size(), kMostNamed), ", "),
      names.size() > kMostNamed ? ", ..." : "");
  return out + "\n";
}

void warn(const std::string& sentence) {
  std::fprintf(stderr, "qkscope: warning: %s\n", sentence.c_str());
}

void report_failure(const HeadFailure& failure) {
  std::fprintf(stderr, "qkscope: layer %d, query head %d, key head %d: %s\n",
               static_cast<int>(failure.head.layer), static_cast<int>(failure.head.q_head),
               static_cast<int>(failure.head.k_head), failure.reason.c_str());
}

// Heads of the configured grid without a file.
std::vector<HeadFailure> missing_heads(const HeadCatalog& catalog) {
  std::vector<HeadFailure> out;
  out.reserve(catalog.missing.size());
  for (const auto& [head, file] : catalog.missing) {
    out.push_back({head, file.string() + ": there is no such file"});
  }
  return out;
}

// A table without rows is not written; if the file exists, it belongs to another run.
void warn_of_older_tables(const CsvTables& tables) {
  for (const auto& table : tables.tables().subspan(1)) {
    std::error_code error;
    if (table->has_rows()) continue;
    if (!std::filesystem::exists(table->path(), error)) continue;
    warn(table->path().string() +
         ": not written, since this run has no rows for it; the file belongs to another run");
  }
}

std::string method_text(const AnalysisConfig& config) {
  return methods_text(config.measure) +
         (config.measure.compat_reference ? ", compat reference" : "");
}

std::string report_text(const AnalysisConfig& config, const CsvTables& tables,
                        const std::vector<std::filesystem::path>& replaced,
                        const AnalysisReport& report, const AnalysisSummary& summary) {
  std::string out = fmt::format("Measured  {} in {}, method {}\n", plural(report.num_heads, "head"),
                                seconds_text(report.seconds), method_text(config));
  for (const auto& table : tables.tables()) {
    const bool was_there =
        std::find(replaced.begin(), replaced.end(), table->path()) != replaced.end();
    const char* what = !table->has_rows() ? "No rows" : was_there ? "Replaced" : "Wrote";
    out += fmt::format("{:<9} {}\n", what, table->path().string());
  }
  out += fmt::format("Wrote     {}.json: record of this run\n", config.output_csv);
  return out + "\n" + summary.text();
}

int exit_code_of(const AnalyzeFlags& flags, const AnalysisConfig& config,
                 const AnalysisReport& report) {
  const bool forgiving = flags.keep_going || config.measure.compat_reference;
  if (report.num_heads == 0) return config.measure.compat_reference ? 0 : 1;
  return report.failures.empty() || forgiving ? 0 : 1;
}

AnalysisReport run(const AnalyzeFlags& flags, const AnalysisConfig& config,
                   const HeadCatalog& catalog, ThreadPool& pool, CsvTables& tables,
                   AnalysisSummary& summary, const std::atomic<bool>& stop) {
  ProgressLine line;
  AnalysisOptions options;
  options.memory_bytes = flags.ram_bytes;
  options.stop = &stop;
  options.on_head = [&](const HeadMetrics& head) {
    tables.add(head);
    summary.add(head);
  };
  if (!flags.quiet) {
    options.progress = [&line](const AnalysisProgress& progress) {
      const double part = static_cast<double>(progress.done) / static_cast<double>(progress.total);
      line.draw(progress_text(progress), part, progress.seconds, progress.done == progress.total);
    };
  }
  return run_analysis(config, catalog, pool, options);
}

// Without a word about the dataset, the original's default is read if the cache has it.
std::filesystem::path find_given_dataset(const AnalysisConfig& config) {
  LocalResolver resolver;
  if (config.source_given) return find_dataset(config.source, resolver);
  try {
    return find_dataset(config.source, resolver);
  } catch (const Error&) {
    fail(
        "analyze: no dataset was given: type `qkscope analyze FOLDER` (see qkscope analyze "
        "--help)");
  }
}

// Throws Error if the folder holds a journal and no head yet.
void refuse_unfinished(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::exists(journal_path(folder), error)) return;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code unreadable;  // of this entry
    if (it->is_directory(unreadable) && it->path().filename() != ".qkscope") return;
  }
  fail(
      "{}: holds no heads, only the journal of an unfinished run: `qkscope sniff` with --resume "
      "finishes it",
      folder.string());
}

int analyze(const AnalyzeFlags& flags) {
  const std::atomic<bool>& stop = watch_stop_signals();
  const AnalysisConfig config = load_analysis_config(source_of(flags));
  for (const std::string& warning : config.warnings) warn(warning);
  const std::filesystem::path folder = find_given_dataset(config);
  refuse_unfinished(folder);
  ThreadPool pool(flags.num_threads > 0 ? flags.num_threads
                                        : static_cast<int>(config.max_workers.value_or(0)));
  HeadCatalog catalog = read_catalog(folder, config.source.model_dir, config.head_counts,
                                     config.measure.compat_reference, pool);
  choose_rows(config.rows, config.measure.compat_reference, pool, catalog);
  std::fputs((catalog_text(catalog) + rows_text(catalog)).c_str(), stdout);
  std::fflush(stdout);
  for (const std::string& warning : catalog.warnings) warn(warning);
  const std::vector<HeadFailure> missing = missing_heads(catalog);
  for (const HeadFailure& failure : missing) report_failure(failure);
  if (catalog.is_unfinished) {
    warn(catalog.folder.string() + ": its capture is not finished; heads and rows may be missing");
  }
  const std::vector<std::filesystem::path> replaced = tables_to_replace(config, flags.overwrite);
  std::vector<TablePath> paths;
  for (const OutputTable& table : output_tables()) {
    if (is_written(table, config)) paths.push_back({table.record, config.*table.path});
  }
  CsvTables tables(paths);
  AnalysisSummary summary;
  AnalysisReport report = run(flags, config, catalog, pool, tables, summary, stop);
  for (const HeadFailure& failure : report.failures) report_failure(failure);
  if (report.stopped) {
    std::fprintf(stderr, "qkscope: stopped after %s; nothing was written, start it again\n",
                 plural(report.num_heads, "head").c_str());
    return 1;
  }
  if (report.num_heads == 0) {
    std::fputs("qkscope: no head could be measured; nothing was written\n", stderr);
    return exit_code_of(flags, config, report);
  }
  if (summary.num_passed_over() > 0) {
    warn(
        fmt::format("{} with query buckets below 0: compat: reference passes over these, as the "
                    "original does, so they have no plasticity",
                    plural(summary.num_passed_over(), "head")));
  }
  if (report.num_contradicting_ranges > 0) {
    warn(
        fmt::format("{} with rows outside the buckets that the footers record; the record of this "
                    "run does not say where buckets lie, and figures show bucket numbers unless "
                    "bucket_type and bucket_min_size are given",
                    plural(report.num_contradicting_ranges, "head")));
  }
  for (const std::string& warning : summary.warnings()) warn(warning);
  warn_of_older_tables(tables);
  tables.finish();
  report.failures.insert(report.failures.begin(), missing.begin(), missing.end());
  write_file(config.output_csv + ".json",
             analysis_record({version(), build_commit()}, config, catalog, report));
  std::fputs(report_text(config, tables, replaced, report, summary).c_str(), stdout);
  return exit_code_of(flags, config, report);
}

void add_inputs(CLI::App& command, AnalyzeFlags& flags) {
  flags.config_option = command.add_option("--config", flags.config, "YAML file of the analysis")
                            ->type_name("FILE")
                            ->group(kInputGroup);
  command.add_option("--set", flags.sets, "Replace a field of the file (repeatable)")
      ->type_name("FIELD=VALUE")
      ->allow_extra_args(false)
      ->group(kInputGroup);
  command
      .add_option("--documents", flags.documents,
                  "Only these documents: names or example_ids, with commas or spaces between, or "
                  "@FILE with one a line (default: all)")
      ->type_name("ID...")
      ->expected(1, CLI::detail::expected_max_vector_size)
      ->group(kInputGroup);
}

// The dataset may also be given without its option's name.
std::string names_of(const FieldOption& field) {
  const std::string key = field.key;
  return "--" + key + (key == "dataset" ? ",dataset" : "");
}

void add_resources(CLI::App& command, AnalyzeFlags& flags) {
  add_threads(command, flags.num_threads, " (default: max_workers)")
      ->excludes(command.get_option("--max_workers"))
      ->group(kResourcesGroup);
  add_ram(command, flags.ram_bytes,
          "Memory limit shared by all threads, e.g. 300MiB or 2GB (default: half of the memory)")
      ->group(kResourcesGroup);
  command.add_flag("--overwrite", flags.overwrite, "Replace the files of an earlier analysis")
      ->group(kOutputGroup);
  command
      .add_flag("--keep-going", flags.keep_going,
                "Exit with 0 even if some heads could not be measured")
      ->group(kOutputGroup);
  command.add_flag("--quiet", flags.quiet, "Show no progress")->group(kOutputGroup);
}

}  // namespace

void add_analyze_command(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<AnalyzeFlags>();
  CLI::App* command = app.add_subcommand("analyze", "Measure every head of a dataset");
  add_inputs(*command, *flags);
  for (size_t i = 0; i < kFieldOptions.size(); ++i) {
    const FieldOption& field = kFieldOptions[i];
    flags->options[i] = command->add_option(names_of(field), flags->fields[i], field.help)
                            ->type_name(field.type)
                            ->group(field.group);
  }
  add_resources(*command, *flags);
  command->footer(kAnalyzeExamples);
  command->fallthrough();
  command->callback([flags, &exit_code] { exit_code = analyze(*flags); });
}

}  // namespace qk
