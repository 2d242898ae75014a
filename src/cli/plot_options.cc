#include "cli/plot_options.h"

#include <array>
#include <cmath>
#include <optional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/home_path.h"
#include "base/nearest.h"
#include "report/analysis_record.h"
#include "yaml/yaml_reader.h"

namespace qk {
namespace {

using Kind = YamlValue::Kind;

constexpr PlotFlag kBucketCsv = {"bucket_csv", PlotFlagKind::kText, "FILE",
                                 "head_bucket_plasticity.csv of qkscope or the original tool"};
constexpr PlotFlag kOutput = {
    "output", PlotFlagKind::kText, "FILE",
    "Output file: .png (200 dpi), .svg or .pdf (default: a .png in the folder of the CSV file)"};
constexpr PlotFlag kBucketType = {"bucket_type", PlotFlagKind::kText, "uniform|log",
                                  "Kind of position buckets (default: from the analysis's "
                                  "record)"};
constexpr PlotFlag kBucketMinSize = {
    "bucket_min_size", PlotFlagKind::kValue, "FLOAT",
    "Width of a uniform bucket in tokens (default: from the analysis's "
    "record)"};
constexpr PlotFlag kAgg = {"agg", PlotFlagKind::kText, "mean|median",
                           "Aggregate over all heads (default: mean)"};
constexpr PlotFlag kCompat = {"compat", PlotFlagKind::kText, "reference",
                              "Bucket positions and trends as in the original"};

constexpr std::array<PlotFlag, 13> kPlasticityFlags = {
    {kBucketCsv,
     kOutput,
     {"alpha", PlotFlagKind::kValue, "FLOAT",
      "Opacity of a head's line, 0 to 1 (default: 0.25, less for many heads)"},
     {"line_width", PlotFlagKind::kValue, "FLOAT",
      "Width of a head's line in points (default: 0.8)"},
     kBucketType,
     kBucketMinSize,
     {"model_name", PlotFlagKind::kText, "TEXT", "Appended to the title"},
     {"color_by_layer", PlotFlagKind::kSwitch, "", "Colour each head by its layer"},
     {"color_trend", PlotFlagKind::kSwitch, "",
      "Colour each head by its trend: rising, falling, flat"},
     {"trend_threshold", PlotFlagKind::kValue, "FLOAT",
      "Smallest slope per token that counts as rising or falling (default: a change of 0.05 over all "
      "positions)"},
     {"cmap", PlotFlagKind::kText, "NAME", "Colour map for color_by_layer (default: viridis)"},
     {"x_scale", PlotFlagKind::kText, "linear|log",
      "Scale of the position axis (default: log for log buckets, else linear)"},
     kCompat}};

constexpr std::array<PlotFlag, 10> kHeatmapFlags = {
    {kBucketCsv,
     kOutput,
     kAgg,
     {"cmap", PlotFlagKind::kText, "NAME", "Colour map (default: magma)"},
     {"vmin", PlotFlagKind::kValue, "FLOAT",
      "Lower end of the colour scale (default: the smallest value)"},
     {"vmax", PlotFlagKind::kValue, "FLOAT",
      "Upper end of the colour scale (default: the largest value)"},
     {"title", PlotFlagKind::kText, "TEXT", "Title of the figure"},
     kBucketType,
     kBucketMinSize,
     kCompat}};

constexpr std::array<PlotFlag, 6> kComponentsFlags = {
    {{"component_csv", PlotFlagKind::kText, "FILE",
      "head_component_weights.csv of qkscope or the original tool"},
     kOutput,
     {"limit", PlotFlagKind::kValue, "INT", "Show only components with a lower index"},
     kAgg,
     {"title", PlotFlagKind::kText, "TEXT", "Title of the figure"},
     {"ylabel", PlotFlagKind::kText, "TEXT", "y-axis label"}}};

YamlValue read_file_options(const std::string& config) {
  YamlValue tree;
  if (!config.empty()) tree = parse_yaml(read_file(expand_home(config), size_t{1} << 20), config);
  if (tree.kind == Kind::kNull) tree.kind = Kind::kMapping;
  if (tree.kind != Kind::kMapping) {
    fail("{}: expected a mapping of options, found {}", config, tree.describe());
  }
  return tree;
}

YamlValue flag_value(const PlotFlag& flag, const std::string& text) {
  YamlValue value;
  value.kind = Kind::kText;
  value.text = text;
  if (flag.kind != PlotFlagKind::kText) value = resolve_scalar(text);
  value.place = fmt::format("--{} {}", flag.name, printable(text));
  return value;
}

// The file's options, replaced or extended by those of the command line.
YamlValue all_options(const std::string& config, const PlotFlagValues& flags) {
  YamlValue tree = read_file_options(config);
  for (const auto& [flag, text] : flags) {
    YamlValue value = flag_value(*flag, text);
    if (YamlValue* old = tree.find(flag->name)) {
      *old = std::move(value);
    } else {
      tree.entries.push_back({flag->name, value.place, std::move(value)});
    }
  }
  return tree;
}

// Reads options by type; null means absent.
class Options {
 public:
  Options(const std::string& config, const PlotFlagValues& flags)
      : config_(config), tree_(all_options(config, flags)), reader_(tree_, "") {}

  // Any scalar, as written.
  std::string text(const char* key, std::string otherwise) {
    const YamlValue* value = given(key);
    if (value == nullptr) return otherwise;
    if (value->kind == Kind::kList || value->kind == Kind::kMapping) reader_.refuse(key, "text");
    return value->text;
  }

  bool boolean(const char* key) { return given(key) != nullptr && *reader_.boolean(key); }

  std::optional<double> number(const char* key) {
    if (given(key) == nullptr) return {};
    const double value = *reader_.number(key);
    constexpr double kLargest = 1e100;
    if (!(std::abs(value) <= kLargest)) reader_.refuse(key, "a finite number");
    return value;
  }

  std::optional<double> positive(const char* key) {
    const auto value = number(key);
    if (value && *value <= 0) reader_.refuse(key, "a number above 0");
    return value;
  }

  std::optional<double> part(const char* key) {
    const auto value = number(key);
    if (value && (*value < 0 || *value > 1)) reader_.refuse(key, "a number from 0 to 1");
    return value;
  }

  std::optional<int64_t> positive_integer(const char* key) {
    if (given(key) == nullptr) return {};
    return reader_.integer(key, 1, int64_t{1} << 30);
  }

  // The index of the value in `words`; nothing if the option is not given.
  std::optional<size_t> choice(const char* key, std::array<std::string_view, 2> words) {
    const YamlValue* value = given(key);
    if (value == nullptr) return {};
    for (size_t i = 0; i < words.size(); ++i) {
      if (value->kind == Kind::kText && value->text == words[i]) return i;
    }
    const auto near = nearest(value->text, words);
    reader_.refuse(key, fmt::format("{} or {}{}", words[0], words[1],
                                    near ? fmt::format(" (did you mean {}?)", *near) : ""));
  }

  PlotFiles files(const char* csv_key, const char* default_name) {
    PlotFiles out;
    out.csv = expand_home(text(csv_key, ""));
    if (out.csv.empty()) {
      fail("{} is required: the CSV file to draw, as --{} FILE or as a key of the --config file",
           csv_key, csv_key);
    }
    out.output = expand_home(text("output", ""));
    if (out.output.empty()) out.output = out.csv.parent_path() / default_name;
    figure_format(out.output);
    return out;
  }

  // What the options say, else what the record of the analysis says, else nothing: bucket numbers.
  BucketScale scale(const std::filesystem::path& csv) {
    const auto type = choice("bucket_type", {"uniform", "log"});
    const auto size = positive("bucket_min_size");
    BucketScale out;
    out.multiply_log = choice("compat", {"none", "reference"}) == 1;
    std::vector<BucketScale> records;
    if (!out.multiply_log) records = recorded_buckets(csv);
    const BucketScale* recorded = records.size() == 1 ? &records[0] : nullptr;
    out.type = recorded != nullptr ? recorded->type : BucketType::kUniform;
    if (type) out.type = *type == 1 ? BucketType::kLog : BucketType::kUniform;
    const bool is_recorded = recorded != nullptr && recorded->type == out.type;
    out.min_size = size.value_or(is_recorded ? recorded->min_size : 1);
    const bool is_known = size || is_recorded || out.multiply_log;
    if (out.type == BucketType::kUniform && !is_known) out.type = BucketType::kNumber;
    if (recorded != nullptr) compare(out, *recorded);
    if (records.size() > 1 && out.type == BucketType::kNumber) {
      warnings_.push_back(
          "records of analyses beside the table contradict each other about its buckets, so the "
          "figure shows bucket numbers; bucket_type and bucket_min_size give positions");
    }
    if (out.type == BucketType::kLog && out.min_size != 1 && !out.multiply_log) {
      warnings_.push_back(
          "bucket_min_size has no effect on log buckets, whose numbers are already exponents "
          "(compat: reference multiplies by it, as the original does)");
    }
    return out;
  }

  void compare(const BucketScale& given, const BucketScale& recorded) {
    const bool is_log = recorded.type == BucketType::kLog;
    if (given.type == recorded.type && (is_log || given.min_size == recorded.min_size)) return;
    const std::string found =
        is_log ? "log" : fmt::format("uniform, {:g} tokens wide", recorded.min_size);
    warnings_.push_back(
        "bucket_type and bucket_min_size contradict the record of the analysis beside the table: "
        "its buckets are " +
        found);
  }

  [[noreturn]] void refuse(const char* key, std::string_view sentence) {
    reader_.refuse_with(key, sentence);
  }

  // To be called after all options have been read.
  std::vector<std::string> warnings() {
    std::vector<std::string> out = reader_.unknown_keys();
    out.insert(out.end(), warnings_.begin(), warnings_.end());
    return out;
  }

 private:
  const YamlValue* given(const char* key) {
    const YamlValue* value = reader_.any(key);
    return value == nullptr || value->kind == Kind::kNull ? nullptr : value;
  }

  std::string config_;
  YamlValue tree_;
  MappingReader reader_;
  std::vector<std::string> warnings_;
};

Aggregate read_agg(Options& options) {
  return options.choice("agg", {"mean", "median"}) == 1 ? Aggregate::kMedian : Aggregate::kMean;
}

}  // namespace

std::span<const PlotFlag> plasticity_flags() { return kPlasticityFlags; }
std::span<const PlotFlag> heatmap_flags() { return kHeatmapFlags; }
std::span<const PlotFlag> components_flags() { return kComponentsFlags; }

PlasticityPlot read_plasticity_plot(const std::string& config, const PlotFlagValues& flags) {
  Options options(config, flags);
  PlasticityPlot out;
  out.files = options.files("bucket_csv", "plasticity.png");
  PlasticityOptions& figure = out.options;
  figure.scale = options.scale(out.files.csv);
  const auto x_scale = options.choice("x_scale", {"linear", "log"});
  figure.is_log_axis = x_scale ? *x_scale == 1 : figure.scale.type == BucketType::kLog;
  figure.alpha = options.part("alpha");
  figure.line_width = options.positive("line_width").value_or(figure.line_width);
  figure.model_name = options.text("model_name", "");
  figure.trend_threshold = options.positive("trend_threshold");
  constexpr double kOriginalThreshold = 1e-4;
  if (figure.scale.multiply_log && !figure.trend_threshold) {
    figure.trend_threshold = kOriginalThreshold;
  }
  figure.cmap = options.text("cmap", figure.cmap);
  const bool by_layer = options.boolean("color_by_layer");
  const bool by_trend = options.boolean("color_trend");
  if (by_layer && by_trend) {
    options.refuse("color_trend", "expected one of color_by_layer and color_trend, found both");
  }
  if (by_layer) figure.colors = LineColors::kByLayer;
  if (by_trend) figure.colors = LineColors::kByTrend;
  out.warnings = options.warnings();
  return out;
}

HeatmapPlot read_heatmap_plot(const std::string& config, const PlotFlagValues& flags) {
  Options options(config, flags);
  HeatmapPlot out;
  out.files = options.files("bucket_csv", "bucket_heatmap.png");
  HeatmapOptions& figure = out.options;
  figure.scale = options.scale(out.files.csv);
  figure.agg = read_agg(options);
  figure.cmap = options.text("cmap", figure.cmap);
  figure.vmin = options.number("vmin");
  figure.vmax = options.number("vmax");
  figure.title = options.text("title", figure.title);
  out.warnings = options.warnings();
  return out;
}

ComponentsPlot read_components_plot(const std::string& config, const PlotFlagValues& flags) {
  Options options(config, flags);
  ComponentsPlot out;
  out.files = options.files("component_csv", "component_weights.png");
  out.limit = options.positive_integer("limit");
  out.agg = read_agg(options);
  out.options.title = options.text("title", out.options.title);
  out.options.ylabel = options.text("ylabel", out.options.ylabel);
  out.warnings = options.warnings();
  return out;
}

}  // namespace qk
