#include "cli/analyze_command.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "capture/build_info.h"
#include "cli/analysis_summary.h"
#include "cli/number_text.h"
#include "cli/progress_line.h"
#include "cli/stop_signal.h"
#include "plasticity/analysis_run.h"
#include "report/analysis_record.h"
#include "report/csv_tables.h"

namespace qk {
namespace {

// Fields of the configuration that are options of their own, with the original's names first.
struct FieldOption {
  const char* key;
  const char* help;
};

constexpr std::array<FieldOption, 34> kFieldOptions = {{
    {"model_dir", "Folder below the dataset's root that holds the heads"},
    {"dataset_name", "Hub dataset, looked for in the local cache"},
    {"dataset_cache_dir", "Hub cache"},
    {"dataset_local_root", "Folder of the dataset"},
    {"download_max_workers", "No effect: nothing is downloaded"},
    {"num_layers", "Layers of the model"},
    {"num_q_heads", "Query heads of a layer"},
    {"num_k_heads", "Key heads of a layer"},
    {"max_tokens_per_head", "Rows of a head at most, drawn by chance (default: 50000)"},
    {"normality_max_dims", "Noise components that get a KS test (default: 64)"},
    {"p_alpha", "Significance level (default: 0.01)"},
    {"output_csv", "Metrics of every head (default: head_metrics.csv)"},
    {"bucket_csv", "Plasticity by buckets (default: head_bucket_plasticity.csv)"},
    {"component_csv", "Weights of components (default: head_component_weights.csv)"},
    {"seed", "Of everything random (default: 0)"},
    {"max_workers", "Threads (default: all cores)"},
    {"dataset", "Dataset: a folder, or a Hub dataset in the local cache"},
    {"dataset_revision", "Branch, tag or commit of the Hub dataset"},
    {"method", "How plasticity is estimated (default: linear)"},
    {"compat", "reference: the original's numbers, its defects included"},
    {"num_pairs_per_bucket", "Key pairs for each pair of buckets (default: 256)"},
    {"covariance", "Of linear: diagonal or full (default: diagonal)"},
    {"min_queries", "bucket, online: fewer queries do not give a covariance (default: 32)"},
    {"online_alpha", "online: forgetting a step, above 0, at most 1"},
    {"online_half_life", "online: steps until half is forgotten (default: 5 % of the positions)"},
    {"online_clock", "online: a step is a position or an observation (default: position)"},
    {"online_start", "online: begin with the first query or with zero (default: first)"},
    {"online_times", "online: looks in each query bucket (default: 1)"},
    {"online_reach", "online: reach of key pairs, part of a document (default: 0.05)"},
    {"online_reach_unit", "online: the reach counts keys or tokens (default: keys)"},
    {"bootstrap", "Error bars from so many resamples of the documents (default: 0, none)"},
    {"confidence", "Of the error bars (default: 0.95)"},
    {"interval", "percentile or bias-corrected (default: percentile)"},
    {"ci_csv", "Error bars of every metric (default: head_metrics_ci.csv)"},
}};

struct AnalyzeFlags {
  std::string config;
  std::vector<std::string> sets;
  std::array<std::string, kFieldOptions.size()> fields;
  std::array<CLI::Option*, kFieldOptions.size()> options{};
  CLI::Option* config_option = nullptr;
  int num_threads = 0;
  uint64_t ram_bytes = 0;
  bool keep_going = false;
  bool quiet = false;
};

constexpr const char* kAnalyzeExamples = R"(
Examples:
  qkscope analyze --dataset data/run
  qkscope analyze --config analysis.yaml --seed 7
  qkscope analyze --config analysis.yaml --compat reference --dataset_local_root data/run

The file is the original tool's YAML; every field of it can be given here, too, which wins. A head
that cannot be measured is named, the others are finished and written, and the exit code is 1. The
result is told on stdout, progress and warnings on stderr.)";

ConfigSource source_of(const AnalyzeFlags& flags) {
  ConfigSource source;
  if (flags.config_option->count() > 0) source.file = flags.config;
  for (const std::string& set : flags.sets) source.overrides.push_back({"--set", "", set});
  for (size_t i = 0; i < kFieldOptions.size(); ++i) {
    if (flags.options[i]->count() == 0) continue;
    const std::string key = kFieldOptions[i].key;
    source.overrides.push_back({"--" + key, key, flags.fields[i]});
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
      "Dataset   {}{}: {} of {} heads ({} layers, {} query heads, {} key "
      "heads{})",
      catalog.folder.string(), catalog.model.empty() ? "" : " of " + printable(catalog.model),
      count_text(catalog.num_heads), count_text(catalog.num_layers * catalog.num_q_heads),
      catalog.num_layers, catalog.num_q_heads, catalog.num_k_heads,
      catalog.is_counted ? ", by the folders" : "");
  if (catalog.num_without_keys > 0) {
    out += fmt::format("; skipped {} without keys", plural(catalog.num_without_keys, "head"));
  }
  return out + "\n";
}

void warn(const std::string& sentence) {
  std::fprintf(stderr, "qkscope: warning: %s\n", sentence.c_str());
}

// A table without rows is not written; an older one is then another run's.
void warn_of_older_tables(const CsvTables& tables) {
  for (const CsvTable* table : {&tables.buckets(), &tables.components(), tables.intervals()}) {
    std::error_code error;
    if (table == nullptr || table->has_rows()) continue;
    if (!std::filesystem::exists(table->path(), error)) continue;
    warn(table->path().string() + ": this run has no rows for it; what is there is of another run");
  }
}

std::string method_text(const AnalysisConfig& config) {
  std::string out = config.method;
  const bool is_linear = config.method == "linear";  // the others have no other
  if (is_linear && config.covariance == Covariance::kFull) out += ", covariance full";
  return out + (config.compat_reference ? ", compat reference" : "");
}

std::string report_text(const AnalysisConfig& config, const CsvTables& tables,
                        const AnalysisReport& report, const AnalysisSummary& summary) {
  std::string out = fmt::format("Measured  {} in {}, method {}\n", plural(report.num_heads, "head"),
                                seconds_text(report.seconds), method_text(config));
  for (const CsvTable* table :
       {&tables.heads(), &tables.buckets(), &tables.components(), tables.intervals()}) {
    if (table == nullptr) continue;
    out += fmt::format("{} {}\n", table->has_rows() ? "Wrote    " : "No rows  ",
                       table->path().string());
  }
  out += fmt::format("Wrote     {}.json: how they were made\n", config.output_csv);
  return out + "\n" + summary.text();
}

int exit_code_of(const AnalyzeFlags& flags, const AnalysisConfig& config,
                 const AnalysisReport& report) {
  const bool forgiving = flags.keep_going || config.compat_reference;
  if (report.num_heads == 0) return config.compat_reference ? 0 : 1;
  return report.failures.empty() || forgiving ? 0 : 1;
}

AnalysisReport run(const AnalyzeFlags& flags, const AnalysisConfig& config,
                   const HeadCatalog& catalog, CsvTables& tables, AnalysisSummary& summary) {
  ThreadPool pool(flags.num_threads > 0 ? flags.num_threads
                                        : static_cast<int>(config.max_workers.value_or(0)));
  ProgressLine line;
  AnalysisOptions options;
  options.memory_bytes = static_cast<int64_t>(flags.ram_bytes);
  options.stop = &watch_stop_signals();
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

int analyze(const AnalyzeFlags& flags) {
  const AnalysisConfig config = load_analysis_config(source_of(flags));
  for (const std::string& warning : config.warnings) warn(warning);
  const HeadCatalog catalog = read_catalog(find_dataset(config), config);
  std::fputs(catalog_text(catalog).c_str(), stdout);
  std::fflush(stdout);
  if (catalog.is_unfinished) {
    warn(catalog.folder.string() + ": its capture is not finished: heads and rows may be missing");
  }
  const bool with_intervals = config.bootstrap.replicates > 0;
  CsvTables tables({config.output_csv, config.bucket_csv, config.component_csv,
                    with_intervals ? config.ci_csv : "", config.method});
  AnalysisSummary summary;
  const AnalysisReport report = run(flags, config, catalog, tables, summary);
  for (const HeadFailure& failure : report.failures) {
    std::fprintf(stderr, "qkscope: layer %d, query head %d, key head %d: %s\n",
                 static_cast<int>(failure.head.layer), static_cast<int>(failure.head.q_head),
                 static_cast<int>(failure.head.k_head), failure.reason.c_str());
  }
  if (report.stopped) {
    std::fprintf(stderr, "qkscope: stopped after %s; nothing was written\n",
                 plural(report.num_heads, "head").c_str());
    return 1;
  }
  if (report.num_heads == 0) {
    std::fputs("qkscope: no head could be measured; nothing was written\n", stderr);
    return exit_code_of(flags, config, report);
  }
  warn_of_older_tables(tables);
  tables.finish();
  write_file(config.output_csv + ".json",
             analysis_record({version(), build_commit()}, config, catalog, report));
  std::fputs(report_text(config, tables, report, summary).c_str(), stdout);
  return exit_code_of(flags, config, report);
}

}  // namespace

void add_analyze_command(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<AnalyzeFlags>();
  CLI::App* command = app.add_subcommand("analyze", "Measures every head of a dataset");
  flags->config_option = command->add_option("--config", flags->config, "The analysis' YAML file");
  command
      ->add_option("--set", flags->sets, "field=value: replaces a field of the file (repeatable)")
      ->allow_extra_args(false);
  for (size_t i = 0; i < kFieldOptions.size(); ++i) {
    flags->options[i] = command->add_option(std::string("--") + kFieldOptions[i].key,
                                            flags->fields[i], kFieldOptions[i].help);
  }
  command->add_option("--threads", flags->num_threads, "Threads (default: max_workers)")
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--ram", flags->ram_bytes,
                   "Memory that heads at work share, as 300MiB or 2GiB (default: half of the "
                   "machine's)")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(uint64_t{1} << 20, uint64_t{1} << 50));
  command->add_flag("--keep-going", flags->keep_going,
                    "Exit code 0 although some heads could not be measured");
  command->add_flag("--quiet", flags->quiet, "No progress on stderr");
  command->footer(kAnalyzeExamples);
  command->fallthrough();
  command->callback([flags, &exit_code] { exit_code = analyze(*flags); });
}

}  // namespace qk
