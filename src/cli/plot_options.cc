#include "cli/plot_options.h"

#include <array>
#include <initializer_list>
#include <system_error>

#include "base/error.h"
#include "cli/plot_reader.h"
#include "report/figure_tables.h"

namespace qk {
namespace {

Aggregate read_agg(PlotReader& reader) {
  constexpr std::array<std::string_view, 2> kWords = {"mean", "median"};
  return reader.choice("agg", kWords) == 1 ? Aggregate::kMedian : Aggregate::kMean;
}

// The tables, of which a table of details given in place of another one is one.
AnalysisTables read_tables(PlotReader& reader, const std::filesystem::path& csv) {
  AnalysisTables out = reader.tables(csv);
  std::error_code error;
  if (!std::filesystem::exists(csv, error)) return out;
  if (!is_detail_table(csv)) {
    check_bucket_table(csv);
    return out;
  }
  if (reader.is_reference()) {
    reader.refuse("bucket_csv",
                  "has the columns of head_bucket_details.csv; with compat: reference this figure "
                  "is drawn from head_bucket_plasticity.csv");
  }
  out.details = csv;
  return out;
}

CurveChoice read_choice(PlotReader& reader, const AnalysisTables& tables) {
  CurveChoice out;
  out.filter = reader.filter(tables);
  out.method = reader.text("method", "");
  out.methods = reader.words("methods");
  if (!out.method.empty() && !out.methods.empty()) {
    reader.refuse("methods", "expected one of method and methods, found both");
  }
  out.max_distance = reader.positive("max_distance");
  out.min_documents = reader.not_negative("min_documents").value_or(out.min_documents);
  return out;
}

// What a figure by compat: reference has no tables for.
void refuse_with_reference(PlotReader& reader, std::initializer_list<const char*> keys) {
  if (!reader.is_reference()) return;
  for (const char* key : keys) {
    if (reader.has(key)) {
      reader.refuse(key,
                    "expected none with compat: reference, which draws the original's tables "
                    "only");
    }
  }
}

LineColors read_colors(PlotReader& reader) {
  const bool by_layer = reader.boolean("color_by_layer");
  const bool by_trend = reader.boolean("color_trend");
  if (by_layer && by_trend) {
    reader.refuse("color_trend", "expected one of color_by_layer and color_trend, found both");
  }
  if (by_layer) return LineColors::kByLayer;
  return by_trend ? LineColors::kByTrend : LineColors::kOne;
}

// By error bars, if the analysis has them and no threshold is given.
std::optional<std::string> read_trend(PlotReader& reader, const AnalysisTables& tables,
                                      bool has_threshold) {
  constexpr std::array<std::string_view, 3> kTrends = {"position", "distance", "curve"};
  const auto trend = reader.choice("trend", kTrends);
  if (trend && has_threshold) {
    reader.refuse("trend", "expected one of trend and trend_threshold, found both");
  }
  if (trend && tables.trends.empty()) {
    reader.refuse("trend",
                  "needs head_trends.csv, which the record beside the table does not name, nor "
                  "trend_csv");
  }
  if (has_threshold || tables.trends.empty()) return {};
  return std::string(kTrends[trend.value_or(0)]);
}

}  // namespace

PlasticityPlot read_plasticity_plot(const std::string& config, const PlotFlagValues& flags) {
  PlotReader reader(config, flags);
  PlasticityPlot out;
  out.files = reader.files("bucket_csv", "plasticity.png");
  refuse_with_reference(
      reader, {"method", "methods", "reach", "max_distance", "min_documents", "trend", "window",
               "detail_csv", "curve_csv", "position_csv", "trend_csv", "diagnostic_csv"});
  PlasticityOptions& figure = out.options;
  figure.alpha = reader.part("alpha");
  figure.line_width = reader.positive("line_width").value_or(figure.line_width);
  figure.model_name = reader.text("model_name", "");
  figure.trend_threshold = reader.positive("trend_threshold");
  figure.cmap = reader.text("cmap", figure.cmap);
  figure.colors = read_colors(reader);
  out.tables = read_tables(reader, out.files.csv);
  out.choice = read_choice(reader, out.tables);
  out.choice.reach = reader.text("reach", out.choice.reach);
  const auto trend = read_trend(reader, out.tables, figure.trend_threshold.has_value());
  if (figure.colors == LineColors::kByTrend) out.choice.trend = trend;
  figure.scale = reader.scale(out.files.csv, bucket_bounds(out.tables));
  constexpr std::array<std::string_view, 2> kScales = {"linear", "log"};
  const auto x_scale = reader.choice("x_scale", kScales);
  figure.is_log_axis = x_scale ? *x_scale == 1 : figure.scale.type == BucketType::kLog;
  constexpr double kOriginalThreshold = 1e-4;
  if (figure.scale.multiply_log && !figure.trend_threshold) {
    figure.trend_threshold = kOriginalThreshold;
  }
  out.warnings = reader.warnings();
  return out;
}

DistancePlot read_distance_plot(const std::string& config, const PlotFlagValues& flags) {
  PlotReader reader(config, flags);
  DistancePlot out;
  out.files = reader.files("detail_csv", "distance.png");
  out.tables = reader.tables(out.files.csv);
  out.tables.details = out.files.csv;
  out.choice = read_choice(reader, out.tables);
  out.choice.position_from = reader.not_negative("position_from");
  out.choice.position_to = reader.not_negative("position_to");
  DistanceOptions& figure = out.options;
  figure.scale = reader.scale(out.files.csv, bucket_bounds(out.tables));
  figure.alpha = reader.part("alpha");
  figure.line_width = reader.positive("line_width").value_or(figure.line_width);
  figure.model_name = reader.text("model_name", "");
  figure.min_documents = out.choice.min_documents;
  figure.confidence = out.tables.confidence;
  out.warnings = reader.warnings();
  return out;
}

HeatmapPlot read_heatmap_plot(const std::string& config, const PlotFlagValues& flags) {
  PlotReader reader(config, flags);
  HeatmapPlot out;
  out.files = reader.files("bucket_csv", "bucket_heatmap.png");
  refuse_with_reference(reader,
                        {"method", "min_documents", "window", "detail_csv", "diagnostic_csv"});
  out.tables = read_tables(reader, out.files.csv);
  out.filter = reader.filter(out.tables);
  out.method = reader.text("method", "");
  HeatmapOptions& figure = out.options;
  figure.scale = reader.scale(out.files.csv, bucket_bounds(out.tables));
  figure.agg = read_agg(reader);
  figure.cmap = reader.text("cmap", figure.cmap);
  figure.vmin = reader.number("vmin");
  figure.vmax = reader.number("vmax");
  figure.title = reader.text("title", figure.title);
  figure.min_documents = reader.not_negative("min_documents").value_or(figure.min_documents);
  out.warnings = reader.warnings();
  return out;
}

ComponentsPlot read_components_plot(const std::string& config, const PlotFlagValues& flags) {
  PlotReader reader(config, flags);
  ComponentsPlot out;
  out.files = reader.files("component_csv", "component_weights.png");
  out.filter = reader.filter(reader.tables(out.files.csv));
  out.limit = reader.positive_integer("limit");
  out.agg = read_agg(reader);
  out.options.title = reader.text("title", out.options.title);
  out.options.ylabel = reader.text("ylabel", out.options.ylabel);
  out.warnings = reader.warnings();
  return out;
}

WavelengthsPlot read_wavelengths_plot(const std::string& config, const PlotFlagValues& flags) {
  PlotReader reader(config, flags);
  WavelengthsPlot out;
  out.files = reader.files("rope_csv", "wavelengths.png");
  out.filter = reader.filter(reader.tables(out.files.csv));
  constexpr std::array<std::string_view, 4> kValues = {"position_share", "turn_share", "line_R2",
                                                       "bucket_R2"};
  out.options.value = kValues[reader.choice("value", kValues).value_or(0)];
  out.options.model_name = reader.text("model_name", "");
  out.options.caption = out.filter.text();
  out.warnings = reader.warnings();
  return out;
}

}  // namespace qk
