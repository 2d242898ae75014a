#include "cli/plot_figures.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/error.h"
#include "base/number_text.h"

namespace qk {
namespace {

void warn_of(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    std::fprintf(stderr, "qkscope: warning: %s\n", warning.c_str());
  }
}

void save_figure(const Figure& figure, const PlotFiles& files, const std::string& what) {
  warn_of(write_figure(figure, files.output));
  std::printf("Saved %s: %s\n", files.output.c_str(), what.c_str());
}

std::string trend_text(const PlasticityData& data, const PlasticityPlot& plot) {
  const auto& slopes = data.details.slopes;
  const TrendCounts counts = count_trends(data.heads, plot.options, slopes);
  std::string kind;
  if (slopes) {
    const std::string over = slopes->name == "position"   ? "position at fixed distance"
                             : slopes->name == "distance" ? "distance at fixed position"
                                                          : "position, distances mixed";
    kind = fmt::format(" (interval of the slope over {})", over);
  }
  return fmt::format(": {} rising, {} falling, {} flat{}", counts.rising, counts.falling,
                     counts.flat, kind);
}

std::string curves_text(size_t num_heads, const std::vector<TableCurve>& means, const char* unit) {
  const int64_t num_points = means.empty() ? 0 : std::ssize(means.front().points);
  const std::string what = num_heads == 0 ? plural(std::ssize(means), "method")
                                          : plural(static_cast<int64_t>(num_heads), "head");
  return fmt::format("plasticity of {} over {}", what, plural(num_points, unit));
}

}  // namespace

void plot_plasticity(const std::string& config, const PlotFlagValues& flags) {
  const PlasticityPlot plot = read_plasticity_plot(config, flags);
  warn_of(plot.warnings);
  const PlasticityData data =
      plasticity_data(plot.files.csv, plot.tables, plot.options.scale, plot.choice);
  std::string what = curves_text(data.heads.size(), data.details.means, "query bucket");
  if (plot.options.colors == LineColors::kByTrend) what += trend_text(data, plot);
  save_figure(plasticity_figure(data.heads, plot.options, data.details), plot.files, what);
}

void plot_distance(const std::string& config, const PlotFlagValues& flags) {
  const DistancePlot plot = read_distance_plot(config, flags);
  warn_of(plot.warnings);
  const DistanceData data =
      distance_data(plot.files.csv, plot.tables, plot.options.scale, plot.choice);
  save_figure(distance_figure(data, plot.options), plot.files,
              curves_text(data.heads.size(), data.means, "distance"));
}

void plot_heatmap(const std::string& config, const PlotFlagValues& flags) {
  HeatmapPlot plot = read_heatmap_plot(config, flags);
  warn_of(plot.warnings);
  const BucketMatrix matrix = bucket_matrix(
      heatmap_rows(plot.files.csv, plot.tables, plot.method, plot.filter), plot.options.agg);
  if (!plot.tables.details.empty()) {
    plot.options.caption =
        fmt::format("Method {}. ", chosen_method(plot.method, known_methods(plot.tables)));
  }
  if (!plot.filter.is_open()) {
    plot.options.caption += fmt::format("Only {}. ", plot.filter.text());
  }
  if (!plot.tables.diagnostics.empty() && matrix.fewest_heads < matrix.most_heads) {
    plot.options.caption += fmt::format(
        "Pairs are over {} to {} heads, since some do not reach all keys; the option window "
        "separates them. ",
        matrix.fewest_heads, matrix.most_heads);
  }
  save_figure(
      heatmap_figure(matrix, plot.options), plot.files,
      fmt::format("plasticity of {} by {}", plural(std::ssize(matrix.q_buckets), "query bucket"),
                  plural(std::ssize(matrix.k_buckets), "key bucket")));
}

void plot_components(const std::string& config, const PlotFlagValues& flags) {
  const ComponentsPlot plot = read_components_plot(config, flags);
  warn_of(plot.warnings);
  const auto rows = read_component_rows(plot.files.csv, plot.filter);
  const auto weights = component_weights(rows, plot.agg, plot.limit);
  ComponentsOptions options = plot.options;
  options.caption = plot.filter.text();
  save_figure(components_figure(weights, options), plot.files,
              fmt::format("weights of {}", plural(std::ssize(weights), "component")));
}

void plot_wavelengths(const std::string& config, const PlotFlagValues& flags) {
  const WavelengthsPlot plot = read_wavelengths_plot(config, flags);
  warn_of(plot.warnings);
  auto rows = read_rope_pair_rows(plot.files.csv, plot.options.value);
  keep_heads(rows, plot.filter);
  const auto curves = wavelength_curves(rows);
  save_figure(
      wavelengths_figure(curves, plot.options), plot.files,
      fmt::format("{} of {} over {}", plot.options.value, plural(std::ssize(curves), "RoPE set"),
                  plural(std::ssize(curves.front().points), "wavelength")));
}

}  // namespace qk
