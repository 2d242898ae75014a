// What each `qkscope plot FIGURE` does: reads the tables, draws, says what it has drawn.
#pragma once

#include <string>

#include "cli/plot_options.h"

namespace qk {

// `config` is the YAML file; empty: none. Throw Error.
void plot_plasticity(const std::string& config, const PlotFlagValues& flags);
void plot_distance(const std::string& config, const PlotFlagValues& flags);
void plot_heatmap(const std::string& config, const PlotFlagValues& flags);
void plot_components(const std::string& config, const PlotFlagValues& flags);
void plot_wavelengths(const std::string& config, const PlotFlagValues& flags);

}  // namespace qk
