// The options of each figure, for the command line and its help.
#include <array>

#include "cli/plot_options.h"

namespace qk {
namespace {

constexpr PlotFlag kBucketCsv = {"bucket_csv", PlotFlagKind::kText, "FILE",
                                 "head_bucket_plasticity.csv of qkscope or the original tool"};
constexpr PlotFlag kOutput = {
    "output", PlotFlagKind::kText, "FILE",
    "Output file: .png (200 dpi), .svg or .pdf (default: a .png in the folder of the CSV file)"};
constexpr PlotFlag kBucketType = {"bucket_type", PlotFlagKind::kText, "uniform|log",
                                  "Kind of position buckets (default: from the analysis's "
                                  "tables or record)"};
constexpr PlotFlag kBucketMinSize = {
    "bucket_min_size", PlotFlagKind::kValue, "FLOAT",
    "Width of a uniform bucket in tokens (default: from the analysis's "
    "tables or record)"};
constexpr PlotFlag kAgg = {"agg", PlotFlagKind::kText, "mean|median",
                           "Aggregate over all heads (default: mean)"};
constexpr PlotFlag kCompat = {"compat", PlotFlagKind::kText, "reference",
                              "Bucket positions and trends as in the original"};

constexpr PlotFlag kDetailCsv = {"detail_csv", PlotFlagKind::kText, "FILE",
                                 "head_bucket_details.csv (default: from the analysis's record)"};
constexpr PlotFlag kCurveCsv = {"curve_csv", PlotFlagKind::kText, "FILE",
                                "mean_curves.csv (default: from the analysis's record)"};
constexpr PlotFlag kDiagnosticCsv = {
    "diagnostic_csv", PlotFlagKind::kText, "FILE",
    "head_diagnostics.csv, for window (default: from the analysis's record)"};
constexpr PlotFlag kMethod = {"method", PlotFlagKind::kText, "NAME",
                              "Method of the analysis (default: its first one)"};
constexpr PlotFlag kMethods = {"methods", PlotFlagKind::kText, "all|NAME,...",
                               "Overlay the means of these methods, without the heads"};
constexpr PlotFlag kMinDocuments = {"min_documents", PlotFlagKind::kValue, "FLOAT",
                                    "Data of fewer documents are drawn as thin (default: 5)"};
constexpr PlotFlag kMaxDistance = {"max_distance", PlotFlagKind::kValue, "TOKENS",
                                   "Only keys at most this far before the query"};
constexpr PlotFlag kLayers = {"layers", PlotFlagKind::kText, "RANGES",
                              "Only these layers, such as 0-5,7"};
constexpr PlotFlag kHeads = {"heads", PlotFlagKind::kText, "RANGES",
                             "Only these query heads, such as 0-5,7"};
constexpr PlotFlag kWindow = {"window", PlotFlagKind::kText, "all|none|TOKENS",
                              "Only heads without a sliding window, or with one of this length"};
constexpr PlotFlag kAlpha = {
    "alpha", PlotFlagKind::kValue, "FLOAT",
    "Opacity of a head's line, 0 to 1 (default: 0.25, less for many heads)"};
constexpr PlotFlag kLineWidth = {"line_width", PlotFlagKind::kValue, "FLOAT",
                                 "Width of a head's line in points (default: 0.8)"};
constexpr PlotFlag kModelName = {"model_name", PlotFlagKind::kText, "TEXT",
                                 "Appended to the title"};

constexpr std::array<PlotFlag, 27> kPlasticityFlags = {
    {kBucketCsv,
     kOutput,
     kAlpha,
     kLineWidth,
     kBucketType,
     kBucketMinSize,
     kModelName,
     {"color_by_layer", PlotFlagKind::kSwitch, "", "Colour each head by its layer"},
     {"color_trend", PlotFlagKind::kSwitch, "",
      "Colour each head by its trend: rising, falling, flat"},
     {"trend_threshold", PlotFlagKind::kValue, "FLOAT",
      "Smallest slope per token that counts as rising or falling (default: a change of 0.05 over all "
      "positions)"},
     {"cmap", PlotFlagKind::kText, "NAME", "Colour map for color_by_layer (default: viridis)"},
     {"x_scale", PlotFlagKind::kText, "linear|log",
      "Scale of the position axis (default: log for log buckets, else linear)"},
     kMethod,
     kMethods,
     {"reach", PlotFlagKind::kText, "all|none|BUCKET",
      "Curves of the documents that reach a bucket (default: all that the analysis has)"},
     kMaxDistance,
     kMinDocuments,
     {"trend", PlotFlagKind::kText, "position|distance|curve",
      "Slope by whose interval color_trend colours (default: position, at fixed distance)"},
     kLayers,
     kHeads,
     kWindow,
     kDetailCsv,
     kCurveCsv,
     {"position_csv", PlotFlagKind::kText, "FILE",
      "head_positions.csv (default: from the analysis's record)"},
     {"trend_csv", PlotFlagKind::kText, "FILE",
      "head_trends.csv (default: from the analysis's record)"},
     kDiagnosticCsv,
     kCompat}};

constexpr std::array<PlotFlag, 18> kDistanceFlags = {
    {{"detail_csv", PlotFlagKind::kText, "FILE", "head_bucket_details.csv"},
     kOutput,
     kCurveCsv,
     kAlpha,
     kLineWidth,
     kModelName,
     kMethod,
     kMethods,
     kMaxDistance,
     {"position_from", PlotFlagKind::kValue, "TOKENS", "Only query buckets from this position on"},
     {"position_to", PlotFlagKind::kValue, "TOKENS", "Only query buckets up to this position"},
     kMinDocuments,
     kLayers,
     kHeads,
     kWindow,
     kBucketType,
     kBucketMinSize,
     kDiagnosticCsv}};

constexpr std::array<PlotFlag, 17> kHeatmapFlags = {
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
     kMethod,
     kMinDocuments,
     kLayers,
     kHeads,
     kWindow,
     kDetailCsv,
     kDiagnosticCsv,
     kCompat}};

constexpr std::array<PlotFlag, 10> kComponentsFlags = {
    {{"component_csv", PlotFlagKind::kText, "FILE",
      "head_component_weights.csv of qkscope or the original tool"},
     kOutput,
     {"limit", PlotFlagKind::kValue, "INT", "Show only components with a lower index"},
     kAgg,
     {"title", PlotFlagKind::kText, "TEXT", "Title of the figure"},
     {"ylabel", PlotFlagKind::kText, "TEXT", "y-axis label"},
     kLayers,
     kHeads,
     kWindow,
     kDiagnosticCsv}};

constexpr std::array<PlotFlag, 8> kWavelengthsFlags = {
    {{"rope_csv", PlotFlagKind::kText, "FILE", "head_rope_pairs.csv"},
     kOutput,
     {"value", PlotFlagKind::kText, "position_share|turn_share|line_R2|bucket_R2",
      "What is drawn over the wavelength (default: position_share)"},
     kModelName,
     kLayers,
     kHeads,
     kWindow,
     kDiagnosticCsv}};

}  // namespace

std::span<const PlotFlag> plasticity_flags() { return kPlasticityFlags; }
std::span<const PlotFlag> distance_flags() { return kDistanceFlags; }
std::span<const PlotFlag> heatmap_flags() { return kHeatmapFlags; }
std::span<const PlotFlag> components_flags() { return kComponentsFlags; }
std::span<const PlotFlag> wavelengths_flags() { return kWavelengthsFlags; }

}  // namespace qk
