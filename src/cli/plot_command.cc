#include "cli/plot_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "cli/number_text.h"
#include "cli/plot_options.h"

namespace qk {
namespace {

constexpr const char* kPlasticityExample =
    "  qkscope plot plasticity --bucket_csv results/head_bucket_plasticity.csv --bucket_min_size "
    "512\n";
constexpr const char* kHeatmapExample =
    "  qkscope plot heatmap --config heatmap.yaml --output heatmap.svg\n";
constexpr const char* kComponentsExample =
    "  qkscope plot components --component_csv results/head_component_weights.csv --limit 64\n";

constexpr const char* kNotes = R"(
Options are those of the original tool's scripts. They may stand on the command line, which wins, or as
keys in the --config file. The extension of the output file selects PNG (200 dpi), SVG or PDF.)";

std::string footer(const std::string& examples) { return "\nExamples:\n" + examples + kNotes; }

// The options given on the command line: the text of each, with switches as true or false.
struct Given {
  std::string config;
  std::map<const PlotFlag*, std::string> values;

  PlotFlagValues list() const { return {values.begin(), values.end()}; }
};

void warn(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    std::fprintf(stderr, "qkscope: warning: %s\n", warning.c_str());
  }
}

void save(const Figure& figure, const PlotFiles& files, const std::string& what) {
  warn(write_figure(figure, files.output));
  std::printf("Saved %s: %s\n", files.output.c_str(), what.c_str());
}

void plot_plasticity(const Given& given) {
  const PlasticityPlot plot = read_plasticity_plot(given.config, given.list());
  warn(plot.warnings);
  const auto heads = head_curves(read_head_bucket_rows(plot.files.csv));
  save(plasticity_figure(heads, plot.options), plot.files,
       fmt::format("plasticity of {} over {}", plural(std::ssize(heads), "head"),
                   plural(std::ssize(mean_curve(heads)), "query bucket")));
}

void plot_heatmap(const Given& given) {
  const HeatmapPlot plot = read_heatmap_plot(given.config, given.list());
  warn(plot.warnings);
  const BucketMatrix matrix =
      bucket_matrix(read_bucket_pair_rows(plot.files.csv), plot.options.agg);
  save(heatmap_figure(matrix, plot.options), plot.files,
       fmt::format("plasticity of {} by {}", plural(std::ssize(matrix.q_buckets), "query bucket"),
                   plural(std::ssize(matrix.k_buckets), "key bucket")));
}

void plot_components(const Given& given) {
  const ComponentsPlot plot = read_components_plot(given.config, given.list());
  warn(plot.warnings);
  const auto weights = component_weights(read_component_rows(plot.files.csv), plot.agg, plot.limit);
  save(components_figure(weights, plot.options), plot.files,
       fmt::format("weights of {}", plural(std::ssize(weights), "component")));
}

// The flag's names on the command line: with underscores, as in the file, and with dashes.
std::string spellings(const PlotFlag& flag) {
  const std::string key = flag.name;
  std::string dashed = key;
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  std::string out = "--" + key;
  if (dashed != key) out += ",--" + dashed;
  if (flag.kind != PlotFlagKind::kSwitch) return out;
  out += ",!--no-" + key;
  if (dashed != key) out += ",!--no-" + dashed;
  return out;
}

void add_flag(CLI::App& command, const PlotFlag& flag, const std::shared_ptr<Given>& given) {
  if (flag.kind == PlotFlagKind::kSwitch) {
    command.add_flag_function(
        spellings(flag),
        [given, &flag](int64_t count) { given->values[&flag] = count > 0 ? "true" : "false"; },
        flag.help);
    return;
  }
  command
      .add_option_function<std::string>(
          spellings(flag), [given, &flag](const std::string& text) { given->values[&flag] = text; },
          flag.help)
      ->type_name(flag.type);
}

struct FigureCommand {
  const char* name;
  const char* about;
  const char* example;
  std::span<const PlotFlag> flags;
  void (*draw)(const Given&);
};

void add_figure(CLI::App& plot, const FigureCommand& figure, int& exit_code) {
  const auto given = std::make_shared<Given>();
  CLI::App* command = plot.add_subcommand(figure.name, figure.about);
  command->footer(footer(figure.example));
  command->add_option("--config", given->config, "YAML file of options")->type_name("FILE");
  for (const PlotFlag& flag : figure.flags) add_flag(*command, flag, given);
  command->callback([given, draw = figure.draw, &exit_code] {
    draw(*given);
    exit_code = 0;
  });
}

}  // namespace

void add_plot_command(CLI::App& app, int& exit_code) {
  CLI::App* plot = app.add_subcommand("plot", "Draw one of three figures of the measurements");
  plot->require_subcommand(1);
  plot->footer(footer(std::string(kPlasticityExample) + kHeatmapExample + kComponentsExample));
  const FigureCommand figures[] = {
      {"plasticity", "Plasticity of each head by the position of the query", kPlasticityExample,
       plasticity_flags(), plot_plasticity},
      {"heatmap", "Plasticity of all heads by query position and key position", kHeatmapExample,
       heatmap_flags(), plot_heatmap},
      {"components", "Positional information in each component of the queries", kComponentsExample,
       components_flags(), plot_components}};
  for (const FigureCommand& figure : figures) add_figure(*plot, figure, exit_code);
}

}  // namespace qk
