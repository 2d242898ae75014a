#include "cli/compare_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/home_path.h"
#include "base/nearest.h"
#include "base/path_text.h"
#include "cli/common_options.h"
#include "cli/compare_text.h"
#include "compare/comparison.h"
#include "report/csv_tables.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr const char* kComparisonGroup = "Comparison";

struct CompareFlags {
  std::string a, b;
  std::string methods;
  CompareOptions options;
  CompareTextOptions text{.metric = "ap_overall"};
  std::string output_dir;
  std::string output_csv = "compare.csv";
  bool overwrite = false;
};

constexpr const char* kCompareExamples = R"(
Examples:
  qkscope compare results/smol results/smol-pre-rope
  qkscope compare results/smol --methods linear,bucket
  qkscope compare results/a results/b --metric q_R2_pos --output_dir results/a-b

A and B are folders with the results of `qkscope analyze`, or tables of heads (head_metrics.csv, also the
original tool's). Every difference is B - A. Intervals need analyses with error bars, and are paired
where the documents are the same. docs/compare.md explains every number.)";

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == ',') {
      out.emplace_back();
    } else if (c != ' ') {
      out.back() += c;
    }
  }
  return out;
}

// The methods of A and B; none: the first one of each.
std::vector<std::optional<std::string>> methods_of(const CompareFlags& flags) {
  if (flags.methods.empty()) {
    if (!flags.b.empty()) return {std::nullopt, std::nullopt};
    fail(
        "compare: expected a second analysis, or --methods with two methods of {} (see qkscope "
        "compare --help)",
        printable(flags.a));
  }
  const std::vector<std::string> names = split(flags.methods);
  const size_t most = 2;
  const size_t fewest = flags.b.empty() ? 2 : 1;
  for (const std::string& name : names) {
    if (!name.empty() && names.size() >= fewest && names.size() <= most) continue;
    fail("--methods: expected {} with a comma between them, found {}",
         fewest == 2 ? "two methods" : "one method, or two", printable(flags.methods));
  }
  return {names.front(), names.back()};
}

fs::path output_of(const CompareFlags& flags, const AnalysisResults& a, const AnalysisResults& b) {
  if (flags.output_csv.empty()) fail("--output_csv: must not be empty");
  const fs::path path = expand_home(flags.output_dir) / expand_home(flags.output_csv);
  std::error_code error;
  for (const AnalysisResults* one : {&a, &b}) {
    if (!fs::equivalent(path, one->csv, error)) continue;
    fail("{}: is one of the tables to compare, expected another name for the comparison",
         path_text(path));
  }
  if (fs::is_regular_file(path, error) && !flags.overwrite) {
    fail("{}: exists already: --overwrite replaces it, --output_dir FOLDER writes another",
         path_text(path));
  }
  return path;
}

void refuse_unknown_metric(const std::string& metric, const Comparison& comparison) {
  std::vector<std::string_view> known;
  for (const MetricComparison& one : comparison.metrics) {
    if (one.metric == metric) return;
    known.emplace_back(one.metric);
  }
  const std::string meant = did_you_mean(metric, known);
  fail("--metric: {} is no metric of both analyses{}", printable(metric),
       meant.empty() ? fmt::format(" (there are: {})", fmt::join(known, ", ")) : meant);
}

int compare(const CompareFlags& flags) {
  if (flags.a.empty()) {
    fail("compare: no analysis was given: type `qkscope compare A B` (see qkscope compare --help)");
  }
  const auto methods = methods_of(flags);
  const std::string& b_path = flags.b.empty() ? flags.a : flags.b;
  const AnalysisResults a = read_results(expand_home(flags.a), methods[0]);
  const AnalysisResults b = read_results(expand_home(b_path), methods[1]);
  const fs::path output = output_of(flags, a, b);
  const Comparison comparison = compare_results(a, b, flags.options);
  refuse_unknown_metric(flags.text.metric, comparison);
  CsvTable table(output, comparison_header());
  table.append(comparison_lines(comparison));
  table.flush();
  table.finish();
  for (const std::string& warning : comparison.warnings) {
    std::fprintf(stderr, "qkscope: warning: %s\n", warning.c_str());
  }
  std::fputs(compare_text(a, b, comparison, flags.options, flags.text).c_str(), stdout);
  std::printf("\nWrote     %s\n", path_text(output).c_str());
  return 0;
}

// A number above 0 and below 1.
CLI::Validator fraction_between() {
  return {[](const std::string& text) {
            double value = 0;
            const bool is_number = CLI::detail::lexical_cast(text, value);
            if (is_number && value > 0 && value < 1) return std::string();
            return fmt::format("expected a number above 0, below 1, found {}", printable(text));
          },
          ""};
}

void add_comparison_options(CLI::App& command, CompareFlags& flags) {
  command
      .add_option(
          "--methods", flags.methods,
          "Methods of A and B, or of A alone, with a comma between them (default: the first "
          "one of each)")
      ->type_name("NAMES")
      ->group(kComparisonGroup);
  command
      .add_option("--metric", flags.text.metric,
                  "Metric whose heads are shown (default: ap_overall); the table has all")
      ->type_name("NAME")
      ->group(kComparisonGroup);
  command.add_option("--movers", flags.text.movers, "Number of heads shown (default: 10)")
      ->type_name("INT")
      ->check(integer_up_to(1'000'000))
      ->group(kComparisonGroup);
  command
      .add_option("--fdr", flags.options.fdr,
                  "Largest share of false ones among the heads that changed (default: 0.05)")
      ->type_name("FLOAT")
      ->check(fraction_between())
      ->group(kComparisonGroup);
  command
      .add_option("--confidence", flags.options.confidence,
                  "Confidence level of the intervals (default: 0.95)")
      ->type_name("FLOAT")
      ->check(fraction_between())
      ->group(kComparisonGroup);
  command
      .add_flag("--anyway", flags.options.anyway,
                "Compare analyses with other buckets; every row then says so")
      ->group(kComparisonGroup);
}

void add_outputs(CLI::App& command, CompareFlags& flags) {
  command
      .add_option("--output_dir", flags.output_dir,
                  "Folder of the table (default: the working folder)")
      ->type_name("DIR")
      ->group(kOutputGroup);
  command.add_option("--output_csv", flags.output_csv, "Table of all heads (default: compare.csv)")
      ->type_name("FILE")
      ->group(kOutputGroup);
  command.add_flag("--overwrite", flags.overwrite, "Replace the table of an earlier comparison")
      ->group(kOutputGroup);
}

}  // namespace

void add_compare_command(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<CompareFlags>();
  CLI::App* command = app.add_subcommand("compare", "Compare two analyses, head by head");
  command->add_option("a", flags->a, "Results of an analysis: a folder or a table of heads")
      ->type_name("A")
      ->group(kInputGroup);
  command->add_option("b", flags->b, "Results of another one")->type_name("B")->group(kInputGroup);
  add_comparison_options(*command, *flags);
  add_outputs(*command, *flags);
  command->footer(kCompareExamples);
  command->callback([flags, &exit_code] { exit_code = compare(*flags); });
}

}  // namespace qk
