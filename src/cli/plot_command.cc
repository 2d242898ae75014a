#include "cli/plot_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "cli/plot_figures.h"
#include "cli/plot_options.h"

namespace qk {
namespace {

constexpr const char* kPlasticityExample =
    "  qkscope plot plasticity --bucket_csv results/head_bucket_plasticity.csv\n";
constexpr const char* kDistanceExample =
    "  qkscope plot distance --detail_csv results/head_bucket_details.csv\n";
constexpr const char* kWavelengthsExample =
    "  qkscope plot wavelengths --rope_csv results/head_rope_pairs.csv\n";
constexpr const char* kHeatmapExample =
    "  qkscope plot heatmap --config heatmap.yaml --output heatmap.svg\n";
constexpr const char* kComponentsExample =
    "  qkscope plot components --component_csv results/head_component_weights.csv --limit 64\n";

constexpr const char* kNotes = R"(
Options may stand on the command line, which wins, or as keys in the --config file. The extension of
the output file selects PNG (200 dpi), SVG or PDF. docs/figures.md explains the figures.)";

std::string footer(const std::string& examples) { return "\nExamples:\n" + examples + kNotes; }

// The options given on the command line: the text of each, with switches as true or false.
struct Given {
  std::string config;
  std::map<const PlotFlag*, std::string> values;

  PlotFlagValues list() const { return {values.begin(), values.end()}; }
};

// A name on the command line: with underscores, as in the file, and with dashes.
std::string spellings(const std::string& name) {
  std::string dashed = name;
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  return "--" + name + (dashed == name ? "" : ",--" + dashed);
}

void add_flag(CLI::App& command, const PlotFlag& flag, const std::shared_ptr<Given>& given) {
  if (flag.kind == PlotFlagKind::kSwitch) {
    const std::string name = flag.name;
    const auto set = [given, &flag](const char* value) {
      return [given, &flag, value] { given->values[&flag] = value; };
    };
    command.add_flag_callback(spellings(name), set("true"), flag.help);
    command.add_flag_callback(spellings("no-" + name), set("false"),
                              "Replace " + name + ": true of the file");
    return;
  }
  command
      .add_option_function<std::string>(
          spellings(flag.name),
          [given, &flag](const std::string& text) { given->values[&flag] = text; }, flag.help)
      ->type_name(flag.type);
}

struct FigureCommand {
  const char* name;
  const char* about;
  const char* example;
  std::span<const PlotFlag> flags;
  void (*draw)(const std::string& config, const PlotFlagValues& flags);
};

void add_figure(CLI::App& plot, const FigureCommand& figure, int& exit_code) {
  const auto given = std::make_shared<Given>();
  CLI::App* command = plot.add_subcommand(figure.name, figure.about);
  command->footer(footer(figure.example));
  command->add_option("--config", given->config, "YAML file of options")->type_name("FILE");
  for (const PlotFlag& flag : figure.flags) add_flag(*command, flag, given);
  command->callback([given, draw = figure.draw, &exit_code] {
    draw(given->config, given->list());
    exit_code = 0;
  });
}

}  // namespace

void add_plot_command(CLI::App& app, int& exit_code) {
  CLI::App* plot = app.add_subcommand("plot", "Draw one of five figures of the measurements");
  plot->require_subcommand(1);
  plot->footer(footer(std::string(kPlasticityExample) + kDistanceExample + kHeatmapExample +
                      kComponentsExample + kWavelengthsExample));
  const FigureCommand figures[] = {
      {"plasticity", "Plasticity of each head by the position of the query", kPlasticityExample,
       plasticity_flags(), plot_plasticity},
      {"distance", "Plasticity of each head by the distance from query to key", kDistanceExample,
       distance_flags(), plot_distance},
      {"heatmap", "Plasticity of all heads by query position and key position", kHeatmapExample,
       heatmap_flags(), plot_heatmap},
      {"components", "Positional information in each component of the queries", kComponentsExample,
       components_flags(), plot_components},
      {"wavelengths", "Positional information by the wavelength of RoPE pairs", kWavelengthsExample,
       wavelengths_flags(), plot_wavelengths}};
  for (const FigureCommand& figure : figures) add_figure(*plot, figure, exit_code);
}

}  // namespace qk
