#include "page/report_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/hash.h"
#include "base/test_error.h"
#include "page/test_page.h"

namespace qk {
namespace report_page_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// What a page of the folder says if its table is another one, without the folder.
std::string refusal(const TestAnalysis& analysis, const ReportOptions& options = {}) {
  std::string said = error_of([&] { page_of(analysis, options); });
  const std::string folder = analysis.path().string() + "/";
  for (size_t at; (at = said.find(folder)) != std::string::npos;) said.erase(at, folder.size());
  return said;
}

std::string changed(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(ReportPage, TablesAsTheyAre) {
  const TestAnalysis analysis(2, 3);
  const ReportPage page = page_of(analysis);
  const ReadContainer data = data_of(page);
  EXPECT_EQ(page.num_heads, 6);
  EXPECT_THAT(page.notes, IsEmpty());
  EXPECT_THAT(page.html, testing::StartsWith("<body><template id=\"data\">"));
  EXPECT_THAT(page.html, testing::EndsWith("</template><script></script></body>"));
  EXPECT_THAT(data.numbers("0/heads", "layer"), ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_EQ(data.type("0/heads", "layer"), "u8");
  EXPECT_EQ(data.type("0/heads", "n_q_tokens"), "u16");
  EXPECT_EQ(data.type("0/heads", "ap_overall"), "f64");
  EXPECT_EQ(data.numbers("0/heads", "ap_overall")[4], 0.1 + 0.01 + 0.001);
  EXPECT_EQ(data.numbers("0/heads", "q_resid0_ks_p")[0], 1e-300);
  EXPECT_EQ(data.type("0/details", "ap_bucket"), "f32");
  EXPECT_EQ(data.texts("0/details", "method")[5], "bucket");
  EXPECT_EQ(data.texts("0/mean_curves", "curve")[0], "position");
  EXPECT_TRUE(std::isnan(data.numbers("0/mean_curves", "reach")[0]));
  EXPECT_FALSE(data.has("0/trends"));
  EXPECT_TRUE(data.json["comparison"].is_null());
  EXPECT_EQ(data.json["format"], 1);
  EXPECT_EQ(data.json["title"], "SmolLM2.gguf");
}

TEST(ReportPage, FilesAndWhatIsMissing) {
  const TestAnalysis analysis;
  const auto json = data_of(page_of(analysis)).json["analyses"][0];
  const std::string text = analysis.read("head_metrics.csv");
  EXPECT_EQ(json["files"][0]["name"], "head_metrics.csv");
  EXPECT_EQ(json["files"][0]["bytes"], text.size());
  EXPECT_EQ(json["files"][0]["sha256"], sha256_hex(std::as_bytes(std::span(text))));
  EXPECT_EQ(json["files"][0]["table"], "heads");
  EXPECT_EQ(json["commands"][1], "qkscope report " + json["name"].get<std::string>());
  EXPECT_EQ(json["files"].size(), 4u);
  EXPECT_EQ(json["missing"][0]["file"], "head_metrics_ci.csv");
  EXPECT_EQ(json["missing"][0]["command"],
            "qkscope analyze smol --documents DOCUMENTS --output_dir " +
                json["name"].get<std::string>() + " --error_bars jackknife --overwrite");
  EXPECT_EQ(json["missing"][1]["file"], "head_positions.csv");
}

TEST(ReportPage, TheTableOfTheHeadsIsEnough) {
  const TestFolder folder;
  const std::string path = folder.write(
      "mine.csv", "layer,q_head,k_head,ap_overall,label\n3,1,0,0.5,<b>\n7,2,1,,\"a,b\"\n");
  const std::vector<std::filesystem::path> paths = {path};
  const ReadContainer data = data_of(make_report_page(paths, {}, kTestBlank));
  EXPECT_THAT(data.numbers("0/heads", "layer"), ElementsAre(3, 7));
  EXPECT_TRUE(std::isnan(data.numbers("0/heads", "ap_overall")[1]));
  EXPECT_THAT(data.texts("0/heads", "label"), ElementsAre("<b>", "a,b"));
  EXPECT_TRUE(data.json["analyses"][0]["record"].is_null());
  EXPECT_EQ(data.json["analyses"][0]["missing"].size(), 12u);
}

TEST(ReportPage, OneHeadAndHeadsWithoutNumbers) {
  const TestAnalysis one(1, 1);
  EXPECT_EQ(data_of(page_of(one)).num_rows("0/heads"), 1u);
  const TestAnalysis failed(1, 2);
  failed.write("head_metrics.csv",
               "layer,q_head,k_head,n_q_tokens,d_model,ap_overall\n0,0,0,600,64,0.5\n0,1,1,,,\n");
  failed.write("head_bucket_details.csv", one.read("head_bucket_details.csv"));
  const ReportPage page = page_of(failed);
  const ReadContainer data = data_of(page);
  EXPECT_TRUE(std::isnan(data.numbers("0/heads", "n_q_tokens")[1]));
  EXPECT_EQ(data.type("0/heads", "n_q_tokens"), "f32");
  ASSERT_EQ(page.notes.size(), 1u);
  EXPECT_THAT(page.notes[0], testing::MatchesRegex(
                                 "head_bucket_details.csv of .* has no rows of 1 of the 2 heads."));
  EXPECT_EQ(data.json["notes"][0], page.notes[0]);
}

TEST(ReportPage, PackedTables) {
  const TestAnalysis analysis;
  const std::string text = analysis.read("head_bucket_details.csv");
  const std::string plain = template_bytes(page_of(analysis).html, "data");
  analysis.remove("head_bucket_details.csv");
  for (const auto& [name, packing] : {std::pair("details.csv.gz", Packing::kGzip),
                                      std::pair("details.csv.zst", Packing::kZstd)}) {
    TestAnalysis packed;
    packed.record["tables"]["details"] = name;
    packed.write(name, pack_text(text, packing, name));
    packed.write_record();
    const ReadContainer data = data_of(page_of(packed));
    EXPECT_EQ(data.numbers("0/details", "ap_bucket"),
              ReadContainer(plain).numbers("0/details", "ap_bucket"));
    EXPECT_EQ(data.json["analyses"][0]["files"].back()["name"], "mean_curves.csv");
  }
}

TEST(ReportPage, CutTablesAreRefused) {
  const TestAnalysis analysis;
  const std::string whole = analysis.read("head_bucket_details.csv");
  size_t refused = 0;
  for (size_t size = 0; size < whole.size(); size += 3) {
    analysis.write("head_bucket_details.csv", whole.substr(0, size));
    const std::string said = refusal(analysis);
    // Cut between two rows it is a table with fewer heads: the page says so.
    const bool is_between = size > 0 && whole[size - 1] == '\n';
    EXPECT_EQ(said.empty(), is_between) << size << ": " << said;
    if (!said.empty()) {
      EXPECT_THAT(said, testing::StartsWith("head_bucket_details.csv: "));
    }
    refused += said.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, whole.size() / 3 - 5);
  analysis.write("head_bucket_details.csv", whole);
  const std::string heads = analysis.read("head_metrics.csv");
  analysis.write("head_metrics.csv", heads.substr(0, heads.rfind("\n", heads.size() - 2) + 1));
  EXPECT_EQ(refusal(analysis),
            "head_metrics.csv: expected 4 heads, which its record counts, found 3");
}

TEST(ReportPage, CellsThatAreWrongAreNamed) {
  const std::string file = "head_bucket_plasticity.csv";
  const std::string header = "layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\n";
  const TestAnalysis analysis;
  const auto with = [&](const std::string& rows) {
    analysis.write(file, header + rows);
    return refusal(analysis);
  };
  EXPECT_EQ(with("0,0,0,1,0,0.5\n0,0,0,2,0,high\n"),
            file + ": row 2: ap_bucket: expected a number, found 'high'");
  EXPECT_EQ(with("0,0,0,1,0,0.5\n0,0.5,0,2,0,0.5\n"),
            file + ": row 2: q_head: expected a whole number of at most 10^9, found 0.5");
  EXPECT_EQ(with(",0,0,2,0,0.5\n"),
            file + ": row 1: layer: expected a whole number of at most 10^9, found nothing");
  EXPECT_EQ(with("0,0,0,1,0,0.5\n0,5,0,2,0,0.5\n"),
            file +
                ": row 2: expected a head of the table of the heads, found layer 0, query head 5, "
                "key head 0");
  EXPECT_EQ(with("0,0,1,1,0,0.5\n"),
            file +
                ": row 1: expected a head of the table of the heads, found "
                "layer 0, query head 0, key head 1");
  EXPECT_EQ(with("0,0,0,1,0,0.5\n0,1,1,1,0,0.5\n0,0,0,1,0,0.6\n"),
            file +
                ": rows 1 and 3 are about the same (layer, q_head, k_head, q_bucket, k_bucket, "
                "bucket)");
  EXPECT_EQ(with("0,0,0,1,0,0.5,7\n"), file + ": row 1: expected 6 cells, found 7");
  EXPECT_EQ(with("0,0,0,1,0,0.5\n0,0,0,2,0\n"), file + ": row 2: expected 6 cells, found 5");
  analysis.write(file, changed(header, "ap_bucket", "other"));
  EXPECT_EQ(refusal(analysis),
            file +
                ": expected the columns of head_bucket_plasticity.csv, found no column ap_bucket "
                "(it has layer, q_head, k_head, q_bucket, k_bucket, other)");
}

TEST(ReportPage, HeadsAreUnique) {
  const TestAnalysis analysis;
  const std::string heads = analysis.read("head_metrics.csv");
  analysis.write("head_metrics.csv", heads + "0,1,0,600,601,64,0.0471,0.1,0.5\n");
  EXPECT_EQ(refusal(analysis), "head_metrics.csv: row 5: layer 0, query head 1 occurs twice");
  analysis.write("head_metrics.csv", heads.substr(0, heads.find('\n') + 1));
  EXPECT_EQ(refusal(analysis), "head_metrics.csv: has no heads");
}

TEST(ReportPage, DamagedRecord) {
  const TestAnalysis analysis;
  analysis.write("head_metrics.csv.json", analysis.record.dump().substr(0, 90));
  EXPECT_EQ(refusal(analysis),
            "head_metrics.csv.json: expected the record of the analysis of head_metrics.csv, found "
            "something else");
}

TEST(ReportPage, NothingPrivate) {
  const TestAnalysis analysis;
  ReportOptions options;
  const std::string data = template_bytes(page_of(analysis, options).html, "data");
  for (const char* word :
       {"jane", "secret", "home", "of jane", "models", "letter", "77123", "tmp"}) {
    EXPECT_THAT(data, Not(HasSubstr(word)));
  }
  const auto record = data_of(page_of(analysis)).json["analyses"][0]["record"];
  EXPECT_EQ(record["dataset"]["folder"], "smol");
  EXPECT_EQ(record["dataset"]["model"], "SmolLM2.gguf");
  EXPECT_EQ(record["documents"], nlohmann::json::array({0}));
  EXPECT_EQ(record["heads"]["failed"][0]["reason"], "data.parquet: is damaged");
  options.wishes.ids = true;
  const auto with_ids = data_of(page_of(analysis, options)).json["analyses"][0]["record"];
  EXPECT_EQ(with_ids["documents"][0]["document"], "letter to bob");
}

TEST(ReportPage, SameFilesSameBytes) {
  const TestAnalysis analysis;
  EXPECT_EQ(page_of(analysis).html, page_of(analysis).html);
  EXPECT_EQ(page_of(analysis, analysis).html, page_of(analysis, analysis).html);
}

TEST(ReportPage, SomeHeads) {
  const TestAnalysis analysis(12, 3);
  ReportOptions options;
  options.wishes.heads = HeadChoice("l1?*, l00h02");
  const ReportPage page = page_of(analysis, options);
  const ReadContainer data = data_of(page);
  EXPECT_EQ(page.num_heads, 7);
  EXPECT_THAT(data.numbers("0/heads", "layer"), ElementsAre(0, 10, 10, 10, 11, 11, 11));
  EXPECT_EQ(data.num_rows("0/details"), 7u);
  EXPECT_EQ(data.num_rows("0/mean_curves"), 1u);
  ASSERT_EQ(page.notes.size(), 1u);
  EXPECT_THAT(page.notes[0], testing::StartsWith("7 of the 36 heads of "));
  options.wishes.heads = HeadChoice("l11*,l12*");
  EXPECT_EQ(refusal(analysis, options),
            "--heads: l12* is no head of the analysis, whose heads are l00h00 to l11h02");
  EXPECT_EQ(
      error_of([] { HeadChoice("l1,,l2"); }),
      "--heads: expected names such as l20h03 or l12* with commas between them, found l1,,l2");
}

TEST(ReportPage, TitlesAndNames) {
  const TestAnalysis analysis;
  ReportOptions options;
  options.title = "</title><script>";
  options.names = {"a\xff"};
  const ReportPage page = page_of(analysis, options);
  EXPECT_EQ(data_of(page).json["title"], options.title);
  EXPECT_EQ(data_of(page).json["analyses"][0]["name"], "a\xef\xbf\xbd");
  EXPECT_EQ(page.html.find("script>", 0), page.html.find("<script></script>") + 1);
}

}  // namespace report_page_test
}  // namespace qk
