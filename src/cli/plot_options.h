// The options of `qkscope plot`: those of the original tool's plot scripts, from a YAML file and
// from the command line, which wins.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/analysis_tables.h"
#include "report/curve_data.h"
#include "report/figure_components.h"
#include "report/figure_distance.h"
#include "report/figure_heatmap.h"
#include "report/figure_plasticity.h"
#include "report/figure_wavelengths.h"
#include "report/head_filter.h"

namespace qk {

struct PlotFiles {
  std::filesystem::path csv;
  std::filesystem::path output;  // default: in the folder of the CSV file
};

// Every plot knows the tables of its analysis and which of the heads it shows.
struct PlasticityPlot {
  PlotFiles files;
  AnalysisTables tables;
  CurveChoice choice;
  PlasticityOptions options;
  std::vector<std::string> warnings;
};

struct DistancePlot {
  PlotFiles files;
  AnalysisTables tables;
  CurveChoice choice;
  DistanceOptions options;
  std::vector<std::string> warnings;
};

struct HeatmapPlot {
  PlotFiles files;
  AnalysisTables tables;
  HeadFilter filter;
  std::string method;  // empty: the analysis's first
  HeatmapOptions options;
  std::vector<std::string> warnings;
};

struct ComponentsPlot {
  PlotFiles files;
  HeadFilter filter;
  ComponentsOptions options;
  Aggregate agg = Aggregate::kMean;
  std::optional<int64_t> limit;
  std::vector<std::string> warnings;
};

struct WavelengthsPlot {
  PlotFiles files;
  HeadFilter filter;
  WavelengthOptions options;
  std::vector<std::string> warnings;
};

// How an option is read from the command line: as plain text, as a YAML value, or as a switch.
enum class PlotFlagKind : uint8_t { kText, kValue, kSwitch };

struct PlotFlag {
  const char* name;  // the key in the file
  PlotFlagKind kind;
  const char* type;  // of the value, as the help shows it; empty for a switch
  const char* help;
};

std::span<const PlotFlag> plasticity_flags();
std::span<const PlotFlag> distance_flags();
std::span<const PlotFlag> heatmap_flags();
std::span<const PlotFlag> components_flags();
std::span<const PlotFlag> wavelengths_flags();

// Key and value of each option that the command line gives.
using PlotFlagValues = std::vector<std::pair<const PlotFlag*, std::string>>;

// `config` is the YAML file; empty: none. Unknown keys become warnings that name the nearest known
// key; null means the default. Throws Error "place: key: expected ..., found ...".
PlasticityPlot read_plasticity_plot(const std::string& config, const PlotFlagValues& flags);
DistancePlot read_distance_plot(const std::string& config, const PlotFlagValues& flags);
HeatmapPlot read_heatmap_plot(const std::string& config, const PlotFlagValues& flags);
ComponentsPlot read_components_plot(const std::string& config, const PlotFlagValues& flags);
WavelengthsPlot read_wavelengths_plot(const std::string& config, const PlotFlagValues& flags);

}  // namespace qk
