// The options of `qkscope plot`: a YAML file of the original tool's plot scripts, its values
// replaced by those of the command line.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/figure_components.h"
#include "report/figure_heatmap.h"
#include "report/figure_plasticity.h"

namespace qk {

struct PlotFiles {
  std::filesystem::path csv;
  std::filesystem::path output;  // by default beside the CSV file
};

struct PlasticityPlot {
  PlotFiles files;
  PlasticityOptions options;
  std::vector<std::string> warnings;
};

struct HeatmapPlot {
  PlotFiles files;
  HeatmapOptions options;
  std::vector<std::string> warnings;
};

struct ComponentsPlot {
  PlotFiles files;
  ComponentsOptions options;
  Aggregate agg = Aggregate::kMean;
  std::optional<int64_t> limit;
  std::vector<std::string> warnings;
};

// What an option's text on the command line is: text as it stands, or a YAML value.
enum class PlotFlagKind : uint8_t { kText, kValue, kSwitch };

struct PlotFlag {
  const char* name;  // the key in the file
  PlotFlagKind kind;
  const char* help;
};

std::span<const PlotFlag> plasticity_flags();
std::span<const PlotFlag> heatmap_flags();
std::span<const PlotFlag> components_flags();

// Key and value of each option that the command line gives.
using PlotFlagValues = std::vector<std::pair<const PlotFlag*, std::string>>;

// `config` is the YAML file, empty for none. Keys that nobody knows become warnings with the
// nearest known key; a null stands for the default. Throws Error "place: key: expected ..., found
// ...".
PlasticityPlot read_plasticity_plot(const std::string& config, const PlotFlagValues& flags);
HeatmapPlot read_heatmap_plot(const std::string& config, const PlotFlagValues& flags);
ComponentsPlot read_components_plot(const std::string& config, const PlotFlagValues& flags);

}  // namespace qk
