#include "cli/plot_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/error.h"

namespace qk {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

const PlotFlag* flag(std::span<const PlotFlag> flags, std::string_view name) {
  for (const PlotFlag& each : flags) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

class PlotOptions : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  std::string write(std::string_view yaml) {
    write_file(path_, yaml);
    return path_.string();
  }

  PlasticityPlot plasticity(std::string_view yaml) { return read_plasticity_plot(write(yaml), {}); }

  template <typename Read>
  std::string refusal(std::string_view yaml, Read read, const PlotFlagValues& flags = {}) {
    write(yaml);
    try {
      read(path_.string(), flags);
    } catch (const Error& error) {
      std::string sentence = error.what();
      const size_t at = sentence.find(path_.string());
      if (at != std::string::npos) sentence.replace(at, path_.string().size(), "F");
      return sentence;
    }
    return "nothing was refused";
  }

  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                ("qk_plot_options_" + std::to_string(getpid()) + ".yaml");
};

// As the original tool's own plot configurations are written.
TEST_F(PlotOptions, AFileOfTheOriginal) {
  const PlasticityPlot plot = plasticity(
      "bucket_csv: results/m/head_bucket_plasticity.csv\noutput: results/m/plasticity.png\n"
      "model_name: Some model\nbucket_type: uniform\nbucket_min_size: 2048\nalpha: 0.2\n"
      "line_width: 0.8\ncolor_trend: true\ntrend_threshold: 0.000005\ncmap: viridis\n");
  EXPECT_EQ(plot.files.csv, "results/m/head_bucket_plasticity.csv");
  EXPECT_EQ(plot.files.output, "results/m/plasticity.png");
  EXPECT_EQ(plot.options.model_name, "Some model");
  EXPECT_EQ(plot.options.scale.min_size, 2048);
  EXPECT_EQ(plot.options.alpha, 0.2);
  EXPECT_EQ(plot.options.colors, LineColors::kByTrend);
  EXPECT_EQ(plot.options.trend_threshold, 0.000005);
  EXPECT_THAT(plot.warnings, IsEmpty());
}

TEST_F(PlotOptions, Defaults) {
  const PlasticityPlot plot = plasticity("bucket_csv: a/b.csv\n");
  EXPECT_EQ(plot.files.output, "a/plasticity.png");
  EXPECT_FALSE(plot.options.alpha);
  EXPECT_EQ(plot.options.line_width, 0.8);
  EXPECT_EQ(plot.options.scale.type, BucketType::kUniform);
  EXPECT_EQ(plot.options.scale.min_size, 1);
  EXPECT_EQ(plot.options.colors, LineColors::kOne);
  EXPECT_EQ(plot.options.trend_threshold, 1e-4);
  EXPECT_EQ(plot.options.cmap, "viridis");
  EXPECT_FALSE(plot.options.is_log_axis);
  EXPECT_EQ(read_heatmap_plot(path_.string(), {}).files.output, "a/bucket_heatmap.png");
  EXPECT_EQ(read_heatmap_plot(path_.string(), {}).options.cmap, "magma");
  const ComponentsPlot components = read_components_plot(write("component_csv: c.csv\n"), {});
  EXPECT_EQ(components.files.output, "component_weights.png");
  EXPECT_EQ(components.options.ylabel, "Share of positional information");
  EXPECT_FALSE(components.limit);
}

TEST_F(PlotOptions, NullIsTheDefault) {
  const HeatmapPlot plot = read_heatmap_plot(
      write("bucket_csv: b.csv\noutput: \"\"\nvmin: null\nvmax: ~\nagg: null\nbucket_type: null\n"),
      {});
  EXPECT_EQ(plot.files.output, "bucket_heatmap.png");
  EXPECT_FALSE(plot.options.vmin);
  EXPECT_EQ(plot.options.agg, Aggregate::kMean);
}

TEST_F(PlotOptions, TheCommandLineWins) {
  const auto flags = heatmap_flags();
  const HeatmapPlot plot =
      read_heatmap_plot(write("bucket_csv: b.csv\nagg: mean\nvmin: 0.5\ntitle: From the file\n"),
                        {{flag(flags, "agg"), "median"},
                         {flag(flags, "vmin"), "1e-3"},
                         {flag(flags, "title"), "12"}});
  EXPECT_EQ(plot.options.agg, Aggregate::kMedian);
  EXPECT_EQ(plot.options.vmin, 1e-3);
  EXPECT_EQ(plot.options.title, "12");  // text, though it looks like a number
}

TEST_F(PlotOptions, WithoutAFile) {
  const auto flags = components_flags();
  const ComponentsPlot plot = read_components_plot(
      "", {{flag(flags, "component_csv"), "x/c.csv"}, {flag(flags, "limit"), "8"}});
  EXPECT_EQ(plot.limit, 8);
  EXPECT_EQ(plot.files.output, "x/component_weights.png");
}

TEST_F(PlotOptions, LogBuckets) {
  PlasticityPlot plot = plasticity("bucket_csv: b.csv\nbucket_type: log\n");
  EXPECT_TRUE(plot.options.is_log_axis);
  EXPECT_THAT(plot.warnings, IsEmpty());
  plot = plasticity("bucket_csv: b.csv\nbucket_type: log\nbucket_min_size: 128\nx_scale: linear\n");
  EXPECT_FALSE(plot.options.is_log_axis);
  EXPECT_FALSE(plot.options.scale.multiply_log);
  EXPECT_THAT(plot.warnings,
              ElementsAre(StartsWith("bucket_min_size has no effect on log buckets")));
  plot =
      plasticity("bucket_csv: b.csv\nbucket_type: log\nbucket_min_size: 128\ncompat: reference\n");
  EXPECT_TRUE(plot.options.scale.multiply_log);
  EXPECT_THAT(plot.warnings, IsEmpty());
}

TEST_F(PlotOptions, UnknownKeysAreWarnings) {
  const PlasticityPlot plot = plasticity("bucket_csv: b.csv\nline_widht: 2\n");
  EXPECT_THAT(plot.warnings, ElementsAre(path_.string() +
                                         ":2: line_widht: unknown key; did you mean line_width?"));
}

TEST_F(PlotOptions, Refusals) {
  const auto heatmap = [](const auto& c, const auto& f) { return read_heatmap_plot(c, f); };
  const auto lines = [](const auto& c, const auto& f) { return read_plasticity_plot(c, f); };
  const auto bars = [](const auto& c, const auto& f) { return read_components_plot(c, f); };
  EXPECT_EQ(refusal("", lines),
            "bucket_csv is required: the CSV file to draw, as --bucket_csv FILE or as a key of the "
            "--config file");
  EXPECT_EQ(refusal("[1]", lines), "F: expected a mapping of options, found a list");
  EXPECT_EQ(refusal("bucket_csv: b\nagg: avg\n", heatmap),
            "F:2: agg: expected mean or median, found text \"avg\"");
  EXPECT_EQ(refusal("bucket_csv: b\nbucket_type: unifrom\n", heatmap),
            "F:2: bucket_type: expected uniform or log (did you mean uniform?), found text "
            "\"unifrom\"");
  EXPECT_EQ(refusal("bucket_csv: b\nbucket_min_size: 0\n", lines),
            "F:2: bucket_min_size: expected a number above 0, found integer 0");
  EXPECT_EQ(refusal("bucket_csv: b\nalpha: 1.5\n", lines),
            "F:2: alpha: expected a number from 0 to 1, found number 1.5");
  EXPECT_EQ(refusal("bucket_csv: b\ntrend_threshold: -1\n", lines),
            "F:2: trend_threshold: expected a number above 0, found integer -1");
  EXPECT_EQ(refusal("bucket_csv: b\ncolor_trend: true\ncolor_by_layer: true\n", lines),
            "F:2: color_trend: expected one of color_by_layer and color_trend, found both");
  EXPECT_EQ(refusal("bucket_csv: b\noutput: x.jpeg\n", lines),
            "x.jpeg: expected a file name that ends in .png, .svg or .pdf");
  EXPECT_EQ(refusal("component_csv: b\nlimit: 0\n", bars),
            "F:2: limit: expected an integer from 1 to 1073741824, found integer 0");
  EXPECT_EQ(refusal("bucket_csv: b\nvmax: .inf\n", heatmap),
            "F:2: vmax: expected a finite number, found number .inf");
  const auto flags = heatmap_flags();
  EXPECT_EQ(refusal("bucket_csv: b\n", heatmap, {{flag(flags, "vmin"), "low"}}),
            "--vmin low: vmin: expected a number, found text \"low\"");
}

}  // namespace
}  // namespace qk
