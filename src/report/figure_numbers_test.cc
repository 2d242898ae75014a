// What the figures show, against the original tool's functions on the same tables
// (tools/make_figure_fixtures.py), and by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "report/figure_components.h"
#include "report/figure_drawing.h"
#include "report/figure_heatmap.h"
#include "report/figure_plasticity.h"

namespace qk {
namespace {

using Json = nlohmann::json;

const std::string kFolder = std::string(QK_TEST_DATA) + "/figures/";
constexpr double kTolerance = 1e-14;

const Json& expected() {
  static const Json json = Json::parse(read_file(kFolder + "expected.json"));
  return json;
}

void expect_near(const std::vector<double>& found, const Json& wanted, const std::string& what) {
  ASSERT_EQ(found.size(), wanted.size()) << what;
  for (size_t i = 0; i < found.size(); ++i) {
    if (wanted[i].is_null()) {
      EXPECT_TRUE(std::isnan(found[i])) << what << " " << i;
    } else {
      EXPECT_NEAR(found[i], wanted[i].get<double>(), kTolerance) << what << " " << i;
    }
  }
}

std::vector<double> values(const BucketCurve& curve) {
  std::vector<double> out;
  for (const auto& point : curve) out.push_back(point.second);
  return out;
}

std::vector<int64_t> keys(const BucketCurve& curve) {
  std::vector<int64_t> out;
  for (const auto& point : curve) out.push_back(point.first);
  return out;
}

class Curves : public testing::TestWithParam<const char*> {};

TEST_P(Curves, EqualTheOriginals) {
  const Json& wanted = expected()["curves"][GetParam()];
  const auto heads = head_curves(read_head_bucket_rows(kFolder + GetParam()));
  ASSERT_EQ(heads.size(), wanted["heads"].size());
  for (size_t i = 0; i < heads.size(); ++i) {
    const Json& head = wanted["heads"][i];
    const HeadId id = heads[i].head;
    EXPECT_EQ((std::vector<int64_t>{id.layer, id.q_head, id.k_head}),
              head["head"].get<std::vector<int64_t>>());
    EXPECT_EQ(keys(heads[i].curve), head["buckets"].get<std::vector<int64_t>>());
    expect_near(values(heads[i].curve), head["values"], "head");
    const double uniform = curve_slope(heads[i].curve, {BucketType::kUniform, 64});
    EXPECT_NEAR(uniform, head["slopes"]["uniform"].get<double>(), kTolerance);
    const double log = curve_slope(heads[i].curve, {BucketType::kLog, 1});
    EXPECT_NEAR(log, head["slopes"]["log"].get<double>(), kTolerance);
  }
  const BucketCurve mean = mean_curve(heads);
  EXPECT_EQ(keys(mean), wanted["buckets"].get<std::vector<int64_t>>());
  expect_near(values(mean), wanted["mean"], "mean");
}

INSTANTIATE_TEST_SUITE_P(Tables, Curves, testing::Values("buckets.csv", "buckets_old.csv"),
                         [](const auto& each) {
                           const std::string name = each.param;
                           return name.substr(0, name.find('.'));
                         });

TEST(Matrix, EqualsTheOriginals) {
  const auto rows = read_bucket_pair_rows(kFolder + "buckets.csv");
  for (const Aggregate kind : {Aggregate::kMean, Aggregate::kMedian}) {
    const Json& wanted = expected()["matrix"][kind == Aggregate::kMean ? "mean" : "median"];
    const BucketMatrix matrix = bucket_matrix(rows, kind);
    EXPECT_EQ(matrix.q_buckets, wanted["q_buckets"].get<std::vector<int64_t>>());
    EXPECT_EQ(matrix.k_buckets, wanted["k_buckets"].get<std::vector<int64_t>>());
    expect_near(matrix.values, wanted["values"], "matrix");
  }
}

TEST(Matrix, ByHand) {
  const std::vector<BucketPairRow> rows = {{4, 0, 0.5}, {4, 0, 0.75}, {2, 2, 0.1}, {4, 2, 0.25}};
  const BucketMatrix matrix = bucket_matrix(rows, Aggregate::kMean);
  EXPECT_EQ(matrix.q_buckets, (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(matrix.k_buckets, (std::vector<int64_t>{0, 2}));
  EXPECT_TRUE(std::isnan(matrix.values[0]));
  EXPECT_TRUE(std::isnan(matrix.values[1]));  // its key is not before its query
  EXPECT_EQ(matrix.values[2], 0.625);
  EXPECT_EQ(matrix.values[3], 0.25);
}

TEST(Weights, EqualTheOriginals) {
  const auto rows = read_component_rows(kFolder + "components.csv");
  for (const Json& wanted : expected()["weights"]) {
    const bool is_mean = wanted["agg"] == "mean";
    std::optional<int64_t> limit;
    if (!wanted["limit"].is_null()) limit = wanted["limit"].get<int64_t>();
    const auto weights =
        component_weights(rows, is_mean ? Aggregate::kMean : Aggregate::kMedian, limit);
    EXPECT_EQ(keys(weights), wanted["components"].get<std::vector<int64_t>>());
    expect_near(values(weights), wanted["values"], "weights");
  }
  EXPECT_THROW(component_weights(rows, Aggregate::kMean, 0), Error);
}

TEST(Positions, EqualTheOriginals) {
  for (const Json& wanted : expected()["labels"]) {
    const bool is_log = wanted["type"] == "log";
    const BucketScale scale = {is_log ? BucketType::kLog : BucketType::kUniform,
                               wanted["size"].get<double>(), true};
    for (size_t bucket = 0; bucket < wanted["labels"].size(); ++bucket) {
      EXPECT_EQ(position_text(bucket_start(scale, static_cast<int64_t>(bucket))),
                wanted["labels"][bucket].get<std::string>());
    }
  }
}

TEST(Positions, LogBucketsAreExponents) {
  EXPECT_EQ(bucket_start({BucketType::kLog, 128, false}, 10), 1024);
  EXPECT_EQ(bucket_start({BucketType::kLog, 128, true}, 10), 1024 * 128);
  EXPECT_DOUBLE_EQ(bucket_center({BucketType::kLog, 1, false}, 3), std::exp2(3.5));
  EXPECT_EQ(bucket_center({BucketType::kUniform, 512, false}, 3), 3.5 * 512);
}

TEST(Positions, BeyondAnyDocument) {
  EXPECT_THROW(bucket_start({BucketType::kLog, 1, false}, 2000), Error);
  EXPECT_THROW(bucket_start({BucketType::kUniform, 1e18, false}, 2), Error);
  PlasticityOptions options;
  options.is_log_axis = true;
  const std::vector<HeadCurve> heads = {{{0, 0, 0}, {{-1, 0.5}, {1, 0.5}}}};
  EXPECT_THROW(plasticity_figure(heads, options), Error);
}

std::vector<HeadCurve> two_heads() {
  return {{{0, 0, 0}, {{0, 0.5}, {1, 0.75}}}, {{2, 1, 0}, {{0, 0.25}, {1, 0.25}}}};
}

TEST(PlasticityFigure, LinesOfHeadsThenTheMean) {
  PlasticityOptions options;
  options.scale.min_size = 100;
  options.model_name = "A model";
  const Figure figure = plasticity_figure(two_heads(), options);
  EXPECT_EQ(figure.title, "Per-bucket attention plasticity \u2014 A model");
  EXPECT_EQ(figure.x.label, "Position (tokens)");
  ASSERT_EQ(figure.lines.size(), 4u);  // two heads, the white under the mean, the mean
  using Points = std::vector<std::pair<double, double>>;
  EXPECT_EQ(figure.lines[0].points, (Points{{50, 0.5}, {150, 0.75}}));
  EXPECT_EQ(figure.lines[0].opacity, 0.25);
  EXPECT_EQ(figure.lines[0].width_pt, 0.8);
  EXPECT_EQ(figure.lines[2].points, figure.lines[3].points);
  EXPECT_EQ(figure.lines[2].color, (Rgb{255, 255, 255}));
  EXPECT_EQ(figure.lines[2].opacity, 0.7);
  EXPECT_EQ(figure.lines[2].width_pt, 4.5);
  EXPECT_EQ(figure.lines[3].points, (Points{{50, 0.375}, {150, 0.5}}));
  EXPECT_EQ(figure.lines[3].opacity, 1);
  EXPECT_EQ(figure.lines[3].color, (Rgb{255, 0, 0}));
  EXPECT_EQ(figure.lines[3].width_pt, 2.5);
  ASSERT_EQ(figure.legend.size(), 2u);
  EXPECT_EQ(figure.legend[0].label, "Mean across heads");
  EXPECT_EQ(figure.legend[0].color, (Rgb{255, 0, 0}));
  EXPECT_EQ(figure.legend[1].label, "One head (2 in all)");
  EXPECT_EQ(figure.legend[1].color, figure.lines[0].color);
  EXPECT_DOUBLE_EQ(figure.x.low, 45);  // 5% on both sides
  EXPECT_DOUBLE_EQ(figure.x.high, 155);
  EXPECT_DOUBLE_EQ(figure.y.low, 0.225);
  EXPECT_DOUBLE_EQ(figure.y.high, 0.775);
}

TEST(PlasticityFigure, OneValueHasRoomAroundIt) {
  const std::vector<HeadCurve> heads = {{{0, 0, 0}, {{0, 0.5}, {1, 0.5}}}};
  Figure figure = plasticity_figure(heads, {});
  EXPECT_DOUBLE_EQ(figure.y.low, 0.45);
  EXPECT_DOUBLE_EQ(figure.y.high, 0.55);
  figure = plasticity_figure(std::vector<HeadCurve>{{{0, 0, 0}, {{0, 80}, {1, 80}}}}, {});
  EXPECT_DOUBLE_EQ(figure.y.low, 76);  // 5 % of it
  EXPECT_DOUBLE_EQ(figure.y.high, 84);
}

TEST(PlasticityFigure, ByLayer) {
  PlasticityOptions options;
  options.colors = LineColors::kByLayer;
  const Figure figure = plasticity_figure(two_heads(), options);
  EXPECT_EQ(figure.lines[0].color, Colormap("viridis").at(0));
  EXPECT_EQ(figure.lines[1].color, Colormap("viridis").at(1));
  ASSERT_TRUE(figure.color_bar);
  EXPECT_EQ(figure.color_bar->high, 2);
}

TEST(PlasticityFigure, ByTrend) {
  PlasticityOptions options;
  options.colors = LineColors::kByTrend;
  const Figure figure = plasticity_figure(two_heads(), options);
  EXPECT_EQ(figure.lines[0].color, (Rgb{0x7f, 0x7f, 0x7f}));  // below the others
  EXPECT_EQ(figure.lines[1].color, (Rgb{0x2c, 0xa0, 0x2c}));
  EXPECT_EQ(figure.legend[1].label, "Rising (1 head)");
  EXPECT_EQ(figure.legend[2].label, "Falling (0 heads)");
  options.trend_threshold = 0.3;  // the slope is 0.25
  EXPECT_EQ(plasticity_figure(two_heads(), options).lines[0].color, (Rgb{0x7f, 0x7f, 0x7f}));
}

TEST(PlasticityFigure, ManyHeadsAreFainter) {
  std::vector<HeadCurve> heads;
  for (int64_t head = 0; head < 800; ++head) heads.push_back({{0, head, 0}, {{0, 0.5}, {1, 0.6}}});
  PlasticityOptions options;
  EXPECT_EQ(plasticity_figure(heads, options).lines[0].opacity, 0.125);
  options.alpha = 0.4;
  EXPECT_EQ(plasticity_figure(heads, options).lines[0].opacity, 0.4);
  options.alpha.reset();
  heads.resize(400);
  EXPECT_EQ(plasticity_figure(heads, options).lines[0].opacity, 0.25);
  heads.resize(2000);
  EXPECT_EQ(plasticity_figure(heads, options).lines[0].opacity, 0.1);
}

TEST(PlasticityFigure, LogAxis) {
  PlasticityOptions options;
  options.scale = {BucketType::kLog, 1, false};
  options.is_log_axis = true;
  const std::vector<HeadCurve> heads = {{{0, 0, 0}, {{7, 0.5}, {9, 0.75}}}};
  const Figure figure = plasticity_figure(heads, options);
  EXPECT_DOUBLE_EQ(figure.lines[0].points[0].first, 7.5);
  ASSERT_EQ(figure.x.ticks->size(), 2u);  // between 7.4 and 9.6
  EXPECT_EQ(figure.x.ticks->front().label, "256");
  EXPECT_EQ(figure.x.ticks->back().label, "512");
}

TEST(PlasticityFigure, LogAxisOfOneBucket) {
  PlasticityOptions options;
  options.scale = {BucketType::kLog, 1, false};
  options.is_log_axis = true;
  const std::vector<HeadCurve> heads = {{{0, 0, 0}, {{7, 0.5}}}};
  const Figure figure = plasticity_figure(heads, options);
  EXPECT_EQ(figure.lines[0].points.size(), 2u);  // a dash
  ASSERT_EQ(figure.x.ticks->size(), 2u);
  EXPECT_EQ(figure.x.ticks->front().label, "128");
  EXPECT_EQ(figure.x.ticks->back().label, "256");
}

TEST(PlasticityFigure, AbsurdLayers) {
  PlasticityOptions options;
  options.colors = LineColors::kByLayer;
  const std::vector<HeadCurve> heads = {{{1'000'000'000, 0, 0}, {{0, 0.5}, {1, 0.5}}}};
  EXPECT_LE(plasticity_figure(heads, options).color_bar->ticks->size(), 1001u);
}

TEST(HeatmapFigure, CellsAndColors) {
  const BucketMatrix matrix = {{1, 2}, {0, 1}, {0.25, NAN, 0.5, 0.75}};
  HeatmapOptions options;
  options.scale.min_size = 64;
  Figure figure = heatmap_figure(matrix, options);
  ASSERT_EQ(figure.cells.size(), 3u);
  const Colormap magma("magma");
  EXPECT_EQ(figure.cells[0].color, magma.at(0));
  EXPECT_EQ(figure.cells[1].color, magma.at(0.5));
  EXPECT_EQ(figure.cells[2].color, magma.at(1));
  EXPECT_EQ(figure.cells[1].row, 1u);
  EXPECT_EQ(figure.cells[1].column, 0u);
  EXPECT_EQ(figure.y.ticks->back().label, "128");
  EXPECT_EQ(figure.y.high, 1.5);
  EXPECT_EQ(figure.x.low, -0.5);
  EXPECT_EQ(figure.x.ticks->front().label, "0");
  EXPECT_EQ(figure.x.ticks->back().label, "64");
  EXPECT_EQ(figure.color_bar->label, "Attention plasticity (mean over heads)");
  EXPECT_EQ(figure.color_bar->colors, magma.colors());
  EXPECT_EQ(figure.color_bar->low, 0.25);
  options.vmin = 0;
  options.vmax = 1;
  figure = heatmap_figure(matrix, options);
  EXPECT_EQ(figure.cells[0].color, magma.at(0.25));
  EXPECT_EQ(figure.color_bar->high, 1);
  options.vmin = 2;
  EXPECT_THROW(heatmap_figure(matrix, options), Error);
  options.vmin.reset();
  options.agg = Aggregate::kMedian;
  figure = heatmap_figure(matrix, options);
  EXPECT_EQ(figure.color_bar->low, 0.25);
  EXPECT_EQ(figure.color_bar->high, 1);
  EXPECT_EQ(figure.color_bar->label, "Attention plasticity (median over heads)");
}

TEST(HeatmapFigure, OneValueHasTheLowestColor) {
  const Figure figure = heatmap_figure({{1}, {0}, {0.5}}, {});
  EXPECT_EQ(figure.cells[0].color, Colormap("magma").at(0));
  EXPECT_EQ(figure.color_bar->low, 0.5);
  EXPECT_DOUBLE_EQ(figure.color_bar->high, 0.501);
  // Rounding errors are not shown as a difference.
  EXPECT_GT(heatmap_figure({{1, 2}, {0}, {0.5, 0.5 + 1e-13}}, {}).color_bar->high, 0.5009);
  EXPECT_DOUBLE_EQ(heatmap_figure({{1, 2}, {0}, {0, 1e-101}}, {}).color_bar->high, 1e-3);
}

TEST(HeatmapFigure, NoPairIsCausal) {
  const BucketMatrix matrix =
      bucket_matrix(std::vector<BucketPairRow>{{1, 1, 0.5}}, Aggregate::kMean);
  EXPECT_THROW(heatmap_figure(matrix, {}), Error);
}

TEST(ComponentsFigure, TicksAndHeight) {
  std::vector<std::pair<int64_t, double>> weights = {{0, 0.5}, {1, 0.25}, {2, 0.25}};
  Figure figure = components_figure(weights, {});
  EXPECT_EQ(figure.y.low, 0);
  EXPECT_DOUBLE_EQ(figure.y.high, 0.55);
  EXPECT_EQ(figure.x.ticks->size(), 3u);
  EXPECT_DOUBLE_EQ(figure.x.low, -0.4 - 0.05 * 2.8);  // from bar to bar, and 5% on both sides
  EXPECT_DOUBLE_EQ(figure.x.high, 2.4 + 0.05 * 2.8);
  ASSERT_EQ(figure.bars.size(), 3u);
  EXPECT_EQ(figure.bars[1].center, 1);
  EXPECT_EQ(figure.bars[1].width, 0.8);
  EXPECT_EQ(figure.bars[1].value, 0.25);
  weights.clear();
  for (int64_t i = 0; i < 128; ++i) weights.emplace_back(i, 0.001);
  figure = components_figure(weights, {});
  EXPECT_EQ(figure.y.high, 0.01);
  std::string svg = draw_figure(figure, FigureFormat::kSvg).bytes;
  for (const char* label : {">0<", ">8<", ">40<", ">120<"}) EXPECT_NE(svg.find(label), svg.npos);
  for (const char* label : {">1<", ">6<", ">13<", ">127<"}) EXPECT_EQ(svg.find(label), svg.npos);
}

TEST(BucketScale, NumbersInPlaceOfPositions) {
  const BucketScale scale = {BucketType::kNumber, 1, false};
  EXPECT_EQ(bucket_start(scale, 3), 3);
  EXPECT_EQ(bucket_center(scale, 3), 3);
  PlasticityOptions options;
  options.scale = scale;
  EXPECT_EQ(plasticity_figure(two_heads(), options).x.label, "Query bucket");
}

TEST(PlasticityFigure, TrendsAreRelativeToThePositions) {
  // 0.06 and 0.04 over all positions, whatever the width of a bucket.
  const std::vector<HeadCurve> heads = {{{0, 0, 0}, {{1, 0.5}, {3, 0.56}}},
                                        {{0, 1, 0}, {{1, 0.5}, {3, 0.54}}},
                                        {{0, 2, 0}, {{1, 0.5}, {3, 0.4}}}};
  for (const double width : {1.0, 512.0}) {
    PlasticityOptions options;
    options.scale.min_size = width;
    const TrendCounts counts = count_trends(heads, options);
    EXPECT_EQ(counts.rising, 1);
    EXPECT_EQ(counts.falling, 1);
    EXPECT_EQ(counts.flat, 1);
    options.trend_threshold = 1e-4;
    EXPECT_EQ(count_trends(heads, options).flat, width == 1.0 ? 0 : 3);
  }
}

}  // namespace
}  // namespace qk
