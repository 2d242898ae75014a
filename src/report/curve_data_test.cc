// What the figures of curves draw, by hand, on a small analysis: two heads, three query buckets of 100
// tokens, two methods.
#include "report/curve_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/test_error.h"
#include "report/figure_heatmap.h"
#include "report/figure_wavelengths.h"

namespace qk {
namespace curve_data_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kCells =
    "layer,q_head,k_head,method,q_bucket,k_bucket,q_from,q_to,k_from,k_to,queries,pairs,documents,"
    "ap_bucket,ci_low,ci_high,std_error,note\n"
    "0,0,0,bucket,1,0,100,199,0,99,9,9,8,0.50,0.4,0.6,0.05,\n"
    "0,0,0,bucket,2,1,200,299,100,199,9,9,4,0.60,0.4,0.6,0.05,\n"
    "0,0,0,bucket,2,0,200,299,0,99,9,9,3,0.20,0.4,0.6,0.05,\n"
    "0,1,0,bucket,1,0,100,199,0,99,9,9,6,0.70,0.4,0.6,0.05,\n"
    "0,1,0,bucket,2,1,200,299,100,199,9,9,4,0.80,0.4,0.6,0.05,\n"
    "0,1,0,bucket,2,0,200,299,0,99,9,9,5,,,,,pairs\n"
    "0,0,0,linear,1,0,100,199,0,99,9,9,8,0.90,0.4,0.6,0.05,\n"
    "0,1,0,linear,2,0,200,299,0,99,9,9,8,0.10,0.4,0.6,0.05,\n";
constexpr const char* kCurves =
    "curve,heads,method,reach,bucket,center,from,to,num_heads,documents,ap_mean,ci_low,ci_high,"
    "std_error,note\n"
    "position,all,bucket,,1,150,100,199,2,8,0.6,0.55,0.65,0.02,\n"
    "position,all,bucket,,2,250,200,299,2,4,0.6,,,,documents\n"
    "position,all,bucket,2,1,150,100,199,2,4,0.61,0.5,0.7,0.02,\n"
    "distance,all,bucket,,1,100,,,2,8,0.65,0.6,0.7,0.02,\n"
    "distance,all,bucket,,2,200,,,1,3,0.2,0.1,0.3,0.02,\n"
    "position,window_512,bucket,,1,150,100,199,1,8,0.7,0.6,0.8,0.02,\n"
    "position,window_512,bucket,,2,250,200,299,1,4,0.8,,,,documents\n";
constexpr const char* kTrends =
    "layer,q_head,k_head,method,trend,reach,documents,cells,slope,ci_low,ci_high,std_error,unit,note\n"
    "0,0,0,bucket,position,,8,3,0.1,0.05,0.2,0.02,per 1000 tokens,\n"
    "0,0,0,bucket,distance,,8,3,-0.1,-0.2,-0.05,0.02,per 1000 tokens,\n"
    "0,1,0,bucket,position,,8,3,-0.1,-0.2,0,0.02,per 1000 tokens,\n"
    "0,1,0,bucket,position,2,8,3,-0.1,-0.2,-0.1,0.02,per 1000 tokens,\n"
    "0,1,0,linear,position,,8,3,-0.1,-0.2,-0.1,0.02,per 1000 tokens,\n";
constexpr const char* kDiagnostics =
    "layer,q_head,k_head,documents,window\n0,0,0,8,\n0,1,0,8,512\n";

class CurveDataOfTables : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    options_.scale.min_size = 100;
    tables_.details = write("d.csv", kCells);
    tables_.curves = write("c.csv", kCurves);
    tables_.trends = write("t.csv", kTrends);
    tables_.diagnostics = write("g.csv", kDiagnostics);
    tables_.methods = {"bucket", "linear"};
    buckets_ = write("b.csv",
                     "layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\n0,0,0,1,0,0.5\n"
                     "0,0,0,2,1,0.6\n0,0,0,2,0,0.2\n0,1,0,1,0,0.7\n0,1,0,2,1,0.8\n");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, std::string_view text) {
    write_file(folder_ / name, text);
    return folder_ / name;
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("qk_curve_data_" + std::to_string(getpid()));
  std::filesystem::path buckets_;
  AnalysisTables tables_;
  DistanceOptions distance_options() const {
    DistanceOptions out;
    out.scale = options_.scale;
    return out;
  }
  HeatmapOptions heatmap_options() const {
    HeatmapOptions out;
    out.scale = options_.scale;
    return out;
  }
  PlasticityData plasticity(const CurveChoice& choice) {
    return plasticity_data(buckets_, tables_, options_.scale, choice);
  }
  DistanceData distance(const CurveChoice& choice) {
    return distance_data(tables_.details, tables_, options_.scale, choice);
  }

  PlasticityOptions options_;
};

TEST_F(CurveDataOfTables, TheMeanIsTheAnalysiss) {
  const PlasticityData data = plasticity({});
  ASSERT_EQ(data.heads.size(), 2u);
  EXPECT_THAT(data.heads[0].curve, ElementsAre(Pair(1, 0.5), Pair(2, 0.4)));
  ASSERT_EQ(data.details.means.size(), 1u);
  const TableCurve& mean = data.details.means[0];
  ASSERT_EQ(mean.points.size(), 2u);
  EXPECT_EQ(mean.points[0].interval, LowHigh(0.55, 0.65));
  EXPECT_FALSE(mean.points[1].interval);
  EXPECT_THAT(data.details.documents, ElementsAre(Pair(1, 8), Pair(2, 4)));
  ASSERT_EQ(data.details.reaching.size(), 1u);
  EXPECT_EQ(data.details.reaching[0].points[0].value, 0.61);

  const Figure figure = plasticity_figure(data.heads, options_, data.details);
  ASSERT_TRUE(figure.strip);
  EXPECT_EQ(figure.strip->bars[0].from, 100);
  EXPECT_EQ(figure.strip->bars[0].to, 200);
  EXPECT_FALSE(figure.strip->bars[0].is_thin);
  EXPECT_TRUE(figure.strip->bars[1].is_thin);
  EXPECT_EQ(figure.strip->level, 5);
  std::vector<std::string> labels;
  for (const LegendEntry& entry : figure.legend) labels.push_back(entry.label);
  EXPECT_THAT(labels,
              ElementsAre("Mean across heads, confidence interval", "Fewer than 5 documents",
                          "Documents that reach 200 tokens (4)", "One head (2 in all)"));
  EXPECT_TRUE(figure.legend[0].band);
}

TEST_F(CurveDataOfTables, TheThinEndIsDashed) {
  CurveChoice choice;
  choice.reach = "none";
  const PlasticityData data = plasticity(choice);
  const Figure figure = plasticity_figure(data.heads, options_, data.details);
  const Line& mean = figure.lines.back();
  EXPECT_EQ(mean.dash, Dash::kShort);
  EXPECT_EQ(mean.color, (Rgb{0xff, 0, 0}));
  PlasticityDetails all = data.details;
  all.min_documents = 4;  // not fewer than that
  EXPECT_EQ(plasticity_figure(data.heads, options_, all).lines.back().dash, Dash::kSolid);
}

TEST_F(CurveDataOfTables, OfAnotherMethodAndOfSomeCells) {
  CurveChoice choice;
  choice.method = "linear";
  PlasticityData data = plasticity(choice);
  EXPECT_THAT(data.heads[0].curve, ElementsAre(Pair(1, 0.9)));
  EXPECT_THAT(data.heads[1].curve, ElementsAre(Pair(2, 0.1)));
  EXPECT_FALSE(data.details.means[0].points[0].interval);
  EXPECT_THAT(data.details.caption, HasSubstr("No band"));
  choice.method.clear();
  choice.max_distance = 100;
  data = plasticity(choice);
  EXPECT_THAT(data.heads[0].curve, ElementsAre(Pair(1, 0.5), Pair(2, 0.6)));
  EXPECT_DOUBLE_EQ(data.details.means[0].points[1].value, 0.7);
  // The middle of 8 and 6 documents, and of 4 and 4.
  EXPECT_THAT(data.details.documents, ElementsAre(Pair(1, 7), Pair(2, 4)));
  choice.method = "online";
  EXPECT_THROW(plasticity(choice), Error);
  tables_.details.clear();
  choice.method.clear();
  EXPECT_THROW(plasticity(choice), Error);
}

TEST_F(CurveDataOfTables, MeansOfSeveralMethods) {
  CurveChoice choice;
  choice.methods = {"all"};
  const PlasticityData data = plasticity(choice);
  EXPECT_TRUE(data.heads.empty());
  ASSERT_EQ(data.details.means.size(), 2u);
  EXPECT_EQ(data.details.means[0].points[0].value, 0.6);
  EXPECT_EQ(data.details.means[1].points[0].value, 0.9);
}

TEST_F(CurveDataOfTables, HeadsByTheirWindow) {
  CurveChoice choice;
  choice.filter.window = "512";
  choice.filter.windows = read_windows(tables_.diagnostics);
  PlasticityData data = plasticity(choice);
  ASSERT_EQ(data.heads.size(), 1u);
  EXPECT_EQ(data.heads[0].head.q_head, 1);
  EXPECT_EQ(data.details.means[0].points[0].interval, LowHigh(0.6, 0.8));
  choice.filter.window = "none";  // no mean of this group is in the table
  data = plasticity(choice);
  EXPECT_EQ(data.heads[0].head.q_head, 0);
  EXPECT_EQ(data.details.means[0].points[0].value, 0.5);
  EXPECT_FALSE(data.details.means[0].points[0].interval);
}

TEST_F(CurveDataOfTables, MeansOfOtherHeadsAreRefused) {
  const std::string curves = kCurves;
  const std::string second = "position,all,bucket,,2,250,200,299,2,4,0.6,,,,documents\n";
  const auto fault = [&](const std::string& instead) {
    std::string other = curves;
    other.replace(other.find(second), second.size(), instead);
    write("c.csv", other);
    return error_of([&] { plasticity(CurveChoice()); });
  };
  const auto is_said = [](const std::string& sentence) {
    return testing::EndsWith("c.csv: belongs to another analysis than the heads: " + sentence);
  };
  EXPECT_EQ(fault(second), "");
  EXPECT_THAT(fault(""), is_said("expected a mean over 2 query buckets, found 1"));
  EXPECT_THAT(fault(second + "position,all,bucket,,3,350,300,399,2,4,0.6,,,,documents\n"),
              is_said("expected a mean over 2 query buckets, found 3"));
  EXPECT_THAT(fault("position,all,bucket,,7,250,200,299,2,4,0.6,,,,documents\n"),
              is_said("query bucket 7: expected 0 heads, found 2"));
  EXPECT_THAT(fault("position,all,bucket,,2,250,200,299,9,4,0.6,,,,documents\n"),
              is_said("query bucket 2: expected 2 heads, found 9"));
  EXPECT_THAT(fault("position,all,bucket,,2,250,200,299,2,4,0.75,,,,documents\n"),
              testing::AllOf(testing::HasSubstr("query bucket 2: expected the mean 0."),
                             testing::EndsWith(", found 0.75")));
}

TEST_F(CurveDataOfTables, TrendsByIntervals) {
  CurveChoice choice;
  choice.trend = "position";
  const PlasticityData data = plasticity(choice);
  PlasticityOptions options = options_;
  options.colors = LineColors::kByTrend;
  const TrendCounts counts = count_trends(data.heads, options, data.details.slopes);
  EXPECT_EQ(counts.rising, 1);
  EXPECT_EQ(counts.falling, 0);  // 0 is within its interval
  EXPECT_EQ(counts.flat, 1);
  choice.trend = "distance";
  const auto slopes = plasticity(choice).details.slopes;
  EXPECT_EQ(count_trends(data.heads, options, slopes).falling, 1);
  EXPECT_EQ(count_trends(data.heads, options, slopes).flat, 1);  // no interval
}

TEST_F(CurveDataOfTables, ByDistance) {
  DistanceData data = distance({});
  EXPECT_THAT(data.heads[0].curve, ElementsAre(Pair(1, 0.55), Pair(2, 0.2)));
  EXPECT_THAT(data.heads[1].curve, ElementsAre(Pair(1, 0.75)));
  EXPECT_THAT(data.centers, ElementsAre(Pair(1, 100), Pair(2, 200)));
  EXPECT_EQ(data.means[0].points[0].interval, LowHigh(0.6, 0.7));
  EXPECT_THAT(data.documents, ElementsAre(Pair(1, 8), Pair(2, 3)));
  EXPECT_THAT(data.caption, HasSubstr("over 1 to 2 heads"));
  CurveChoice choice;
  choice.position_from = 200;
  data = distance(choice);
  EXPECT_THAT(data.heads[0].curve, ElementsAre(Pair(1, 0.6), Pair(2, 0.2)));
  EXPECT_DOUBLE_EQ(data.means[0].points[0].value, 0.7);
  EXPECT_FALSE(data.means[0].points[0].interval);
  choice.position_from.reset();
  choice.position_to = 199;
  data = distance(choice);
  EXPECT_THAT(data.heads[0].curve, ElementsAre(Pair(1, 0.5)));
  const Figure figure = distance_figure(data, distance_options());
  EXPECT_EQ(figure.x.label, "Distance from query to key (tokens)");
}

TEST_F(CurveDataOfTables, WithoutTablesTheFigureIsTheOldOne) {
  const PlasticityData data = plasticity_data(buckets_, {}, options_.scale, {});
  const Figure old = plasticity_figure(data.heads, options_);
  const Figure now = plasticity_figure(data.heads, options_, data.details);
  EXPECT_EQ(draw_figure(old, FigureFormat::kSvg).bytes, draw_figure(now, FigureFormat::kSvg).bytes);
  EXPECT_FALSE(now.strip);
  EXPECT_EQ(now.caption, "");
}

TEST_F(CurveDataOfTables, CellsOfFewDocumentsAreHatched) {
  const BucketMatrix matrix =
      bucket_matrix(heatmap_rows(buckets_, tables_, "", {}), Aggregate::kMean);
  EXPECT_THAT(matrix.values, ElementsAre(0.6, testing::IsNan(), 0.2, 0.7));
  const Figure figure = heatmap_figure(matrix, heatmap_options());
  ASSERT_EQ(figure.cells.size(), 3u);
  EXPECT_FALSE(figure.cells[0].hatched);  // 8 and 6 documents
  EXPECT_TRUE(figure.cells[1].hatched);   // 3
  EXPECT_TRUE(figure.cells[2].hatched);   // 4
  EXPECT_EQ(figure.caption, "Hatched: pairs of fewer than 5 documents.");
}

TEST(ScaleOfBounds, UniformLogAndOther) {
  EXPECT_EQ(scale_of_bounds({{0, {0, 99}}, {1, {100, 199}}, {2, {200, 250}}}).min_size, 100);
  EXPECT_EQ(scale_of_bounds({{0, {0, 99}}}).min_size, 100);
  EXPECT_EQ(scale_of_bounds({{3, {0, 14}}, {4, {15, 30}}, {5, {31, 60}}}).type, BucketType::kLog);
  const BucketScale other = scale_of_bounds({{0, {0, 9}}, {1, {10, 99}}});
  EXPECT_EQ(other.type, BucketType::kTable);
  EXPECT_EQ(bucket_start(other, 1), 10);
  EXPECT_EQ(bucket_center(other, 1), 55);
  EXPECT_THROW(bucket_center(other, 2), Error);
}

TEST(Ranges, NumbersAndRanges) {
  const auto ranges = parse_ranges("0-5, 7");
  ASSERT_TRUE(ranges);
  EXPECT_EQ((*ranges)[0].last, 5);
  EXPECT_EQ((*ranges)[1].first, 7);
  for (const char* text : {"", "a", "5-2", "1,", "-1", "1-", "1.5", "1 2"}) {
    EXPECT_FALSE(parse_ranges(text)) << text;
  }
}

TEST(Wavelengths, QuartilesAsNumpys) {
  std::vector<RopePairRow> rows;
  for (int64_t head = 0; head < 4; ++head) {
    rows.push_back({{0, head, 0}, "a", 100, static_cast<double>(head * head), 0.5});
  }
  rows.push_back({{0, 0, 0}, "b", 10, 7, std::nullopt});
  const auto curves = wavelength_curves(rows);
  ASSERT_EQ(curves.size(), 2u);
  EXPECT_EQ(curves[0].num_heads, 4u);
  const WavelengthPoint& point = curves[0].points[0];  // numpy.quantile([0, 1, 4, 9], [...])
  EXPECT_DOUBLE_EQ(point.lower, 0.75);
  EXPECT_DOUBLE_EQ(point.median, 2.5);
  EXPECT_DOUBLE_EQ(point.upper, 5.25);
  EXPECT_EQ(point.floor, 0.5);
  EXPECT_FALSE(curves[1].points[0].floor);
}

TEST(Grouped, Thousands) {
  EXPECT_EQ(grouped(4096), "4,096");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(-1234567.25), "-1,234,567.25");
}

}  // namespace curve_data_test
}  // namespace qk
