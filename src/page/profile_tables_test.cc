#include "page/profile_tables.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/test_error.h"
#include "page/test_page.h"
#include "page/token_texts.h"
#include "plasticity/head_metrics.h"

namespace qk {
namespace profile_tables_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr size_t kPoints = 3;
constexpr int64_t kBob = 77123;  // an example id

std::shared_ptr<const PointRows> rows(int64_t first, size_t count) {
  PointRows out;
  for (size_t i = 0; i < count; ++i) {
    out.positions.push_back(first + static_cast<int64_t>(i));
    out.buckets.push_back(-1);
    out.example_ids.push_back(i == 0 ? kBob : 5);
  }
  return std::make_shared<const PointRows>(out);
}

HeadMetrics head(int64_t layer, int64_t q_head, size_t points = kPoints) {
  HeadMetrics out;
  out.layer = layer;
  out.q_head = out.k_head = q_head;
  HeadProfile& profile = out.profile.emplace();
  profile.beta = {0.5, -0.25};
  profile.residual_quantiles.assign(kProfileQuantiles, 0.5);
  profile.ks_distance = 0.125;
  if (q_head == 1) profile.noise_components = {1, 4};
  if (q_head == 1) profile.noise_ks_distances = {0.25, 0.5};
  profile.eigenvalues = {0.75, 0.25};
  for (size_t i = 0; i < points; ++i) {
    const auto value = static_cast<float>(i + 1);
    profile.beta_plane.queries.insert(profile.beta_plane.queries.end(), {value, -value});
  }
  profile.beta_plane.keys = {32.767F, 0, 1, 2};
  profile.beta_plane.share = 0.375;
  profile.query_rows = rows(100 + layer, points);
  profile.key_rows = rows(200 + layer, 2);
  return out;
}

std::vector<HeadMetrics> all_heads() { return {head(0, 0), head(0, 1), head(1, 0), head(1, 1, 2)}; }

void write_profiles(TestAnalysis& analysis, const std::vector<HeadMetrics>& heads) {
  ProfileTable table(analysis.path() / "p.parquet", kPoints, 1);
  for (const HeadMetrics& one : heads) table.add(one);
  table.flush();
  table.finish();
  analysis.record["tables"]["profiles"] = "p.parquet";
  analysis.write_record();
}

// A head's file of a capture: a row for each position, of document 5 but the first one.
void write_capture(const std::filesystem::path& path, int64_t first, size_t count,
                   const std::string& token) {
  std::filesystem::create_directories(path.parent_path());
  arrow::Int64Builder ids;
  arrow::Int32Builder positions;
  arrow::StringBuilder tokens;
  for (size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(ids.Append(i == 0 ? kBob : 5).ok());
    ASSERT_TRUE(positions.Append(static_cast<int32_t>(first) + static_cast<int32_t>(i)).ok());
    ASSERT_TRUE(tokens.Append(token + std::to_string(i)).ok());
  }
  arrow::FieldVector fields = {arrow::field("example_id", arrow::int64()),
                               arrow::field("position", arrow::int32())};
  arrow::ArrayVector columns = {ids.Finish().ValueOrDie(), positions.Finish().ValueOrDie()};
  if (!token.empty()) {
    fields.push_back(arrow::field("token_str", arrow::utf8()));
    columns.push_back(tokens.Finish().ValueOrDie());
  }
  const auto file = arrow::io::FileOutputStream::Open(path.string()).ValueOrDie();
  ASSERT_TRUE(parquet::arrow::WriteTable(*arrow::Table::Make(arrow::schema(fields), columns),
                                         arrow::default_memory_pool(), file, 100)
                  .ok());
}

void write_captures(const TestFolder& folder, const std::string& token) {
  for (const int layer : {0, 1}) {
    for (const int q_head : {0, 1}) {
      const std::string name = "l0" + std::to_string(layer) + "h0" + std::to_string(q_head);
      write_capture(folder / (name + "q/data.parquet"), 100 + layer, kPoints, token);
      write_capture(folder / (name + "k/data.parquet"), 200 + layer, 2, token);
    }
  }
}

ReadContainer points_of(const ReportPage& page) {
  return ReadContainer(template_bytes(page.html, "points"));
}

TEST(ProfileTables, ProfilesAreWithTheData) {
  TestAnalysis analysis;
  write_profiles(analysis, all_heads());
  const ReadContainer data = data_of(page_of(analysis));
  EXPECT_THAT(data.numbers("0/profiles", "layer"), ElementsAre(0, 0, 1, 1));
  EXPECT_EQ(data.entry("0/profiles", "residual_quantiles")["width"], 129);
  EXPECT_EQ(data.numbers("0/profiles", "ks_distance")[2], 0.125);
  EXPECT_EQ(data.num_rows("0/normal"), 129u);
  EXPECT_FLOAT_EQ(data.numbers("0/normal", "level")[32], 65.0 / 258);
  EXPECT_NEAR(data.numbers("0/normal", "normal")[32], -0.66840, 1e-5);
  EXPECT_NEAR(data.numbers("0/normal", "normal")[64], 0, 1e-7);
  EXPECT_THAT(data.numbers("0/profiles", "beta"),
              ElementsAre(0.5, -0.25, 0.5, -0.25, 0.5, -0.25, 0.5, -0.25));
  const auto noise = data.numbers("0/profiles", "noise_ks_distance");
  EXPECT_TRUE(std::isnan(noise[0]) && std::isnan(noise[1]));
  EXPECT_EQ(noise[3], 0.5);
  EXPECT_EQ(data.numbers("0/profiles", "plane_share_beta")[0], 0.375);
  EXPECT_TRUE(std::isnan(data.numbers("0/profiles", "plane_share_rope")[0]));
  EXPECT_TRUE(std::isnan(data.numbers("0/profiles", "rope_pair")[0]));
  EXPECT_EQ(data.json["analyses"][0]["files"].back()["name"], "p.parquet");
  EXPECT_FALSE(data.has("0/points"));
}

TEST(ProfileTables, PointsAndTheirRows) {
  TestAnalysis analysis;
  write_profiles(analysis, all_heads());
  const ReadContainer points = points_of(page_of(analysis));
  EXPECT_EQ(points.json["format"], 1);
  EXPECT_EQ(points.entry("0/points", "q_beta")["type"], "i16");
  EXPECT_EQ(points.entry("0/points", "q_beta")["width"], 6);
  const double scale = points.numbers("0/points", "scale_beta")[0];
  EXPECT_NEAR(scale, 0.001, 1e-9);
  const auto queries = points.numbers("0/points", "q_beta");
  EXPECT_EQ(queries[0], 1000);
  EXPECT_EQ(queries[5], -3000);
  EXPECT_THAT(std::vector(queries.begin() + 18, queries.end()),
              ElementsAre(1000, -1000, 2000, -2000, 1000, -1000));  // the first one again
  EXPECT_EQ(points.numbers("0/points", "k_beta")[0], 32767);
  EXPECT_TRUE(std::isnan(points.numbers("0/points", "scale_rope")[0]));
  EXPECT_EQ(points.numbers("0/points", "q_rope")[0], -1);
  // The queries of the last head are others than those of its layer.
  EXPECT_THAT(points.numbers("0/points", "q_rows"), ElementsAre(0, 0, 2, 4));
  EXPECT_THAT(points.numbers("0/points", "k_rows"), ElementsAre(1, 1, 3, 3));
  EXPECT_THAT(points.texts("0/rows", "kind"), ElementsAre("q", "k", "q", "k", "q"));
  EXPECT_THAT(points.numbers("0/rows", "layer"), ElementsAre(0, 0, 1, 1, 1));
  EXPECT_THAT(points.numbers("0/rows", "group"), ElementsAre(0, 0, 0, 0, 1));
  EXPECT_THAT(points.numbers("0/rows", "count"), ElementsAre(3, 2, 3, 2, 2));
  EXPECT_THAT(
      points.numbers("0/rows", "position"),
      ElementsAre(100, 101, 102, 200, 201, 200, 101, 102, 103, 201, 202, 201, 101, 102, 101));
  EXPECT_EQ(points.numbers("0/rows", "bucket")[0], -1);
  EXPECT_EQ(points.numbers("0/rows", "document")[0], 1);  // of 77123
  EXPECT_EQ(points.numbers("0/rows", "document")[1], 0);  // of 5
}

TEST(ProfileTables, FewerPoints) {
  TestAnalysis analysis;
  write_profiles(analysis, all_heads());
  ReportOptions options;
  options.most_points = 1;
  const ReadContainer points = points_of(page_of(analysis, options));
  EXPECT_EQ(points.entry("0/points", "q_beta")["width"], 2);
  EXPECT_THAT(points.numbers("0/rows", "position"), ElementsAre(100, 200, 101, 201, 101));
}

TEST(ProfileTables, SomeHeads) {
  TestAnalysis analysis;
  write_profiles(analysis, all_heads());
  ReportOptions options;
  options.wishes.heads = HeadChoice("l01h00");
  const ReportPage page = page_of(analysis, options);
  EXPECT_EQ(data_of(page).num_rows("0/profiles"), 1u);
  EXPECT_THAT(points_of(page).numbers("0/rows", "layer"), ElementsAre(1, 1));
}

TEST(ProfileTables, DocumentsAreRunningNumbersUnlessAsked) {
  TestAnalysis analysis;
  write_profiles(analysis, all_heads());
  const ReportPage page = page_of(analysis);
  EXPECT_FALSE(data_of(page).json.contains("documents"));
  for (const char* id : {"data", "points"}) {
    EXPECT_THAT(template_bytes(page.html, id), Not(HasSubstr("77123")));
  }
  ReportOptions options;
  options.wishes.ids = true;
  EXPECT_THAT(data_of(page_of(analysis, options)).json["analyses"][0]["documents"],
              ElementsAre("5", "letter to bob"));
}

bool says_that_it_has_tokens(const ReportPage& page) {
  const auto warnings = data_of(page).json["analyses"][0]["warnings"];
  return std::ranges::count(
             warnings, "This page holds text of the corpus: tokens of the captured documents.") ==
         1;
}

TEST(ProfileTables, Tokens) {
  TestAnalysis analysis;
  const TestFolder capture;
  write_captures(capture, "</template>");
  write_profiles(analysis, all_heads());
  ReportOptions options;
  options.wishes.tokens = true;
  options.wishes.dataset = capture.path();
  const ReportPage page = page_of(analysis, options);
  EXPECT_TRUE(says_that_it_has_tokens(page));
  const auto tokens = points_of(page).texts("0/rows", "token");
  EXPECT_EQ(tokens[0], "</template>0");
  EXPECT_EQ(tokens[2], "</template>2");
  EXPECT_EQ(tokens[5], "</template>0");  // the first one again
  options.most_points = 1;
  EXPECT_THAT(template_bytes(page_of(analysis, options).html, "points"),
              Not(HasSubstr("</template>2")));
  EXPECT_FALSE(says_that_it_has_tokens(page_of(analysis)));
}

TEST(ProfileTables, TokensThatAreNotThere) {
  TestAnalysis analysis;
  const TestFolder capture;
  ReportOptions options;
  options.wishes.tokens = true;
  EXPECT_THAT(page_of(analysis, options).notes,
              ElementsAre(HasSubstr("has no head_profiles.parquet")));
  write_profiles(analysis, all_heads());
  EXPECT_THAT(error_of([&] { page_of(analysis, options); }), HasSubstr("expected --dataset"));
  options.wishes.dataset = capture.path();
  EXPECT_THAT(error_of([&] { page_of(analysis, options); }), HasSubstr("l00h00q"));
  write_captures(capture, "");
  const ReportPage page = page_of(analysis, options);
  EXPECT_THAT(page.notes, ElementsAre(HasSubstr("holds no tokens")));
  EXPECT_FALSE(says_that_it_has_tokens(page));
  write_captures(capture, "a");
  write_capture(capture / "l01h00k/data.parquet", 300, 2, "a");
  EXPECT_THAT(error_of([&] { page_of(analysis, options); }),
              HasSubstr("has no row of position 201 of document 77123"));
}

TEST(ProfileTables, WrongProfiles) {
  TestAnalysis analysis;
  write_profiles(analysis, {head(0, 0), head(7, 0)});
  EXPECT_THAT(error_of([&] { page_of(analysis); }),
              HasSubstr("p.parquet: expected a head of the table of the heads, found l07h00"));
  write_profiles(analysis, {head(0, 0), head(0, 0)});
  EXPECT_THAT(error_of([&] { page_of(analysis); }), HasSubstr("p.parquet: l00h00 occurs twice"));
  HeadMetrics bad = head(0, 0);
  bad.profile->beta_plane.queries[3] = std::numeric_limits<float>::infinity();
  write_profiles(analysis, {bad});
  EXPECT_THAT(error_of([&] { page_of(analysis); }),
              HasSubstr("p.parquet: l00h00: expected finite numbers of points, found inf"));
  const std::string whole = analysis.read("p.parquet");
  for (size_t size = 0; size < whole.size(); size += 97) {
    analysis.write("p.parquet", whole.substr(0, size));
    EXPECT_THAT(error_of([&] { page_of(analysis); }), HasSubstr("p.parquet: ")) << size;
  }
}

TEST(ProfileTables, IdsAsTheyAreWritten) {
  PointRows small;
  EXPECT_EQ(id_text(small, -5), "-5");
  PointRows large;
  large.has_large_ids = true;  // stored minus 2^63
  EXPECT_EQ(id_text(large, 0), "9223372036854775808");
  EXPECT_EQ(id_text(large, std::numeric_limits<int64_t>::min()), "0");
}

}  // namespace profile_tables_test
}  // namespace qk
