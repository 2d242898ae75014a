#include "cli/analyze_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "analysis/analysis_run.h"
#include "analysis/method_list.h"
#include "base/atomic_file.h"
#include "base/build_info.h"
#include "base/error.h"
#include "base/home_path.h"
#include "base/number_text.h"
#include "base/thread_pool.h"
#include "cli/analysis_outputs.h"
#include "cli/analyze_fields.h"
#include "cli/catalog_text.h"
#include "cli/common_options.h"
#include "cli/hub_session.h"
#include "cli/progress_line.h"
#include "cli/rows_text.h"
#include "cli/stop_signal.h"
#include "dataset/overwrite.h"
#include "download/local_resolver.h"
#include "heads/row_choice.h"
#include "report/analysis_record.h"

namespace qk {
namespace {

struct AnalyzeFlags {
  std::string config;
  std::vector<std::string> sets;
  // One for each of the fields.
  std::vector<std::string> fields = std::vector<std::string>(field_options().size());
  std::vector<CLI::Option*> options;
  CLI::Option* config_option = nullptr;
  std::vector<std::string> documents;
  int num_threads = 0;
  int64_t ram_bytes = 0;
  bool keep_going = false;
  bool overwrite = false;
  bool json = false;
  bool quiet = false;
};

constexpr const char* kAnalyzeExamples = R"(
Examples:
  qkscope analyze data/run
  qkscope analyze data/run --method bucket --output_dir results/bucket
  qkscope analyze org/dataset@branch            a capture on the Hub; only what is measured is downloaded
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
  for (size_t i = 0; i < flags.options.size(); ++i) {
    if (flags.options[i]->count() == 0) continue;
    const std::string key = field_options()[i].key;
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
void warn_of_older_tables(const AnalysisOutputs& outputs) {
  for (const auto& table : outputs.tables.tables().subspan(1)) {
    std::error_code error;
    if (table->has_rows()) continue;
    if (!std::filesystem::exists(table->path(), error)) continue;
    warn(table->path().string() + ": not written, since this run has no rows for it; the file " +
         (outputs.replaces_older ? "of another run is removed" : "belongs to another run"));
  }
}

std::string method_text(const AnalysisConfig& config) {
  return methods_text(config.measure) +
         (config.measure.compat_reference ? ", compat reference" : "");
}

int exit_code_of(const AnalyzeFlags& flags, const AnalysisConfig& config,
                 const AnalysisReport& report) {
  const bool forgiving = flags.keep_going || config.measure.compat_reference;
  if (report.num_heads == 0) return config.measure.compat_reference ? 0 : 1;
  return report.failures.empty() || forgiving ? 0 : 1;
}

AnalysisReport run(const AnalyzeFlags& flags, const AnalysisConfig& config,
                   const HeadCatalog& catalog, ThreadPool& pool, AnalysisOutputs& outputs,
                   const std::atomic<bool>& stop) {
  ProgressLine line;
  AnalysisOptions options;
  options.memory_bytes = flags.ram_bytes;
  options.stop = &stop;
  options.on_head = [&](const HeadMetrics& head) { outputs.add(head); };
  if (!flags.quiet) {
    options.progress = [&line](const AnalysisProgress& progress) {
      const double part = static_cast<double>(progress.done) / static_cast<double>(progress.total);
      line.draw(progress_text(progress), part, progress.seconds, progress.done == progress.total);
    };
  }
  return run_analysis(config, catalog, pool, options);
}

std::string report_text(const AnalysisConfig& config, const AnalysisOutputs& outputs,
                        const std::vector<std::filesystem::path>& replaced,
                        const AnalysisReport& report) {
  std::string out = fmt::format("Measured  {} in {}, method {}\n", plural(report.num_heads, "head"),
                                seconds_text(report.seconds), method_text(config));
  const auto add = [&](const auto& table) {
    const bool was_there =
        std::find(replaced.begin(), replaced.end(), table.path()) != replaced.end();
    const char* what = !table.has_rows() ? "No rows" : was_there ? "Replaced" : "Wrote";
    out += fmt::format("{:<9} {}\n", what, table.path().string());
  };
  for (const auto& table : outputs.tables.tables()) add(*table);
  if (outputs.replicates) add(*outputs.replicates);
  if (outputs.profiles) add(*outputs.profiles);
  out += fmt::format("Wrote     {}.json: record of this run\n", config.output_csv);
  return out + "\n" + outputs.summary.text();
}

// docs/command-line.md explains the keys. `record` is the file, or null if none was written.
std::string report_json(const nlohmann::ordered_json& record, const AnalysisReport& report) {
  const nlohmann::ordered_json out = {{"schema", 1},
                                      {"record", record},
                                      {"measured", report.num_heads},
                                      {"failed", report.failures.size()},
                                      {"seconds", report.seconds}};
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// Without a word about the dataset it is the original's default.
FoundDataset find_given_dataset(const AnalysisConfig& config, Resolver& resolver) {
  if (config.source_given) return find_dataset(config.source, resolver);
  try {
    return find_dataset(config.source, resolver);
  } catch (const Error&) {
    fail(
        "analyze: no dataset was given: type `qkscope analyze FOLDER` (see qkscope analyze "
        "--help)");
  }
}

// `--documents a b data/run`: the dataset is the last of the words that are taken for documents.
void refuse_swallowed_dataset(const AnalyzeFlags& flags, const AnalysisConfig& config) {
  if (config.source_given || flags.documents.size() < 2) return;
  std::error_code error;
  const std::string& last = flags.documents.back();
  if (!std::filesystem::is_directory(expand_home(last), error)) return;
  fail("analyze: {} was taken for a document: write the dataset before --documents",
       printable(last, 400));
}

// Throws Error if the folder holds a journal and no head yet.
void refuse_unfinished(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  if (!has_journal(folder)) return;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code unreadable;  // of this entry
    if (it->is_directory(unreadable) && it->path().filename() != ".qkscope") return;
  }
  fail(
      "{}: holds no heads, only the journal of an unfinished run: `qkscope sniff` with --resume "
      "finishes it",
      folder.string());
}

// The heads of the dataset and the rows to be read, said on stdout if that is for people.
HeadCatalog open_dataset(const AnalyzeFlags& flags, const AnalysisConfig& config, HubSession& hub,
                         ThreadPool& pool) {
  refuse_swallowed_dataset(flags, config);
  LocalResolver cache;  // what nobody has asked for is not downloaded
  const bool is_asked_for = config.source_given || flags.config_option->count() > 0;
  Resolver& resolver = is_asked_for ? hub.resolver() : cache;
  const FoundDataset found = find_given_dataset(config, resolver);
  refuse_unfinished(found.folder);
  std::optional<DatasetRepo> repo;
  if (found.snapshot) repo.emplace(*found.snapshot, resolver);
  HeadCatalog catalog =
      read_catalog(found.folder, config.source.model_dir, config.head_counts,
                   config.measure.compat_reference, pool, repo ? &*repo : nullptr);
  choose_rows(config.rows, config.measure.compat_reference, pool, catalog);
  if (!flags.json) std::fputs((catalog_text(catalog) + rows_text(catalog)).c_str(), stdout);
  std::fflush(stdout);
  for (const std::string& warning : catalog.warnings) warn(warning);
  if (catalog.is_unfinished) {
    warn(catalog.folder.string() + ": its capture is not finished; heads and rows may be missing");
  }
  return catalog;
}

// What may mislead in the numbers.
void print_warnings(const AnalysisConfig& config, const AnalysisReport& report,
                    const AnalysisOutputs& outputs) {
  if (outputs.summary.num_passed_over() > 0) {
    warn(
        fmt::format("{} with query buckets below 0: compat: reference passes over these, as the "
                    "original does, so they have no plasticity",
                    plural(outputs.summary.num_passed_over(), "head")));
  }
  if (config.rows.bucket_width && outputs.summary.num_with_cells() == 0) {
    warn(
        fmt::format("bucket_width: buckets of {} leave no query bucket with an earlier key bucket, "
                    "so there is no plasticity: choose a smaller one",
                    plural(*config.rows.bucket_width, "token")));
  }
  if (report.num_contradicting_ranges > 0) {
    warn(fmt::format(
        "{} with rows outside the buckets that the footers record: where buckets lie is "
        "taken from the rows, and the record of this run does not say it",
        plural(report.num_contradicting_ranges, "head")));
  }
  for (const std::string& warning : outputs.summary.warnings()) warn(warning);
  for (const std::string& warning : outputs.diagnostics.sentences(
           has_method(config.measure, "linear"), has_method(config.measure, "counted"))) {
    warn(warning);
  }
}

int analyze(const AnalyzeFlags& flags) {
  const std::atomic<bool>& stop = watch_stop_signals();
  const AnalysisConfig config = load_analysis_config(source_of(flags));
  for (const std::string& warning : config.warnings) warn(warning);
  ThreadPool pool(flags.num_threads > 0 ? flags.num_threads
                                        : static_cast<int>(config.max_workers.value_or(0)));
  constexpr int64_t kMostDownloads = 64;
  HubSession hub(
      {.quiet = flags.quiet,
       .max_workers = static_cast<int>(std::min(config.download_max_workers, kMostDownloads))});
  const HeadCatalog catalog = open_dataset(flags, config, hub, pool);
  const std::vector<HeadFailure> missing = missing_heads(catalog);
  for (const HeadFailure& failure : missing) report_failure(failure);
  // First the files, which nobody else may write meanwhile, then what is there already.
  AnalysisOutputs outputs(config);
  const std::vector<std::filesystem::path> replaced = tables_to_replace(config, flags.overwrite);
  AnalysisReport report = run(flags, config, catalog, pool, outputs, stop);
  for (const HeadFailure& failure : report.failures) report_failure(failure);
  if (report.stopped) {
    std::fprintf(stderr, "qkscope: stopped after %s; nothing was written, start it again\n",
                 plural(report.num_heads, "head").c_str());
    return 1;
  }
  report.failures.insert(report.failures.begin(), missing.begin(), missing.end());
  const int exit_code = exit_code_of(flags, config, report);
  if (report.num_heads == 0) {
    std::fputs("qkscope: no head could be measured; nothing was written\n", stderr);
    if (flags.json && exit_code == 0) std::fputs(report_json(nullptr, report).c_str(), stdout);
    return exit_code;
  }
  print_warnings(config, report, outputs);
  outputs.tables.end_heads();
  warn_of_older_tables(outputs);
  outputs.finish(analysis_record({version(), build_commit()}, config, catalog, report,
                                 outputs.tables.row_counts()));
  const std::string text = flags.json ? report_json(outputs.record.string(), report)
                                      : report_text(config, outputs, replaced, report);
  std::fputs(text.c_str(), stdout);
  return exit_code;
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
      ->type_name("ID")
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
  command
      .add_flag("--json", flags.json, "Print one JSON object about the analysis instead of text")
      ->group(kOutputGroup);
  command.add_flag("--quiet", flags.quiet, "Show no progress")->group(kOutputGroup);
}

}  // namespace

void add_analyze_command(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<AnalyzeFlags>();
  CLI::App* command = app.add_subcommand("analyze", "Measure every head of a dataset");
  add_inputs(*command, *flags);
  for (size_t i = 0; i < field_options().size(); ++i) {
    const FieldOption& field = field_options()[i];
    const bool is_flag = std::string_view(field.type).empty();
    CLI::Option* option = is_flag
                              ? command->add_flag(names_of(field), flags->fields[i], field.help)
                              : command->add_option(names_of(field), flags->fields[i], field.help)
                                    ->type_name(field.type);
    flags->options.push_back(option->group(field.group));
  }
  add_resources(*command, *flags);
  command->footer(kAnalyzeExamples);
  command->fallthrough();
  command->callback([flags, &exit_code] { exit_code = analyze(*flags); });
}

}  // namespace qk
