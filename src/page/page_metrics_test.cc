#include "page/page_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "page/test_page.h"

namespace qk {
namespace page_metrics_test {

using testing::ElementsAre;
using testing::IsNan;

constexpr const char* kHeads = "layer,q_head,k_head,n_q_tokens,ap_overall,q_resid0_skew\n";

// Two heads, with every table that metrics come from.
class Joined : public TestAnalysis {
 public:
  Joined() : TestAnalysis(1, 2) {
    record["methods"] = {"bucket", "counted"};
    add("heads", "head_metrics.csv", std::string(kHeads) + "0,0,0,600,0.1,-1\n0,1,1,600,0.2,3\n");
    add("intervals", "head_metrics_ci.csv",
        "layer,q_head,k_head,method,metric,estimate,ci_low,ci_high,documents\n"
        "0,1,1,bucket,ap_overall,0.2,0.15,0.25,9\n0,1,1,counted,ap_overall,0.2,0.3,0.4,9\n"
        "0,0,0,bucket,no_metric,0.2,0.3,0.4,9\n");
    add("diagnostics", "head_diagnostics.csv",
        "layer,q_head,k_head,documents,window,position_share,position_share_low,position_share_high,"
        "position_share_std_error,warning\n"
        "0,1,1,9,512,0.5,0.4,0.6,0.1,no line; far\n0,0,0,7,,0.25,,,,\n");
    add("methods", "head_methods.csv",
        "layer,q_head,k_head,method,ap_overall,ci_low,ci_high,warning\n"
        "0,0,0,bucket,0.1,,,\n0,0,0,counted,0.3,0.2,0.4,differs\n0,1,1,counted,0.4,,,\n");
    add("trends", "head_trends.csv",
        "layer,q_head,k_head,method,trend,reach,slope,ci_low,ci_high,unit\n"
        "0,0,0,bucket,position,,-1,-2,-0.5,per token\n0,0,0,bucket,position,4,7,7,7,per token\n"
        "0,0,0,counted,position,,5,5,5,per token\n");
    write_record();
  }

 private:
  void add(const char* name, const std::string& file, const std::string& text) {
    record["tables"][name] = file;
    write(file, text);
  }
};

TEST(PageMetrics, AreJoinedByHead) {
  const ReadContainer data = data_of(page_of(Joined()));
  EXPECT_THAT(data.numbers("0/heads", "ap_overall"), ElementsAre(0.1, 0.2));
  EXPECT_THAT(data.numbers("0/heads", "ap_overall:low"), ElementsAre(IsNan(), 0.15));
  EXPECT_THAT(data.numbers("0/heads", "ap_overall:high"), ElementsAre(IsNan(), 0.25));
  EXPECT_EQ(data.type("0/heads", "ap_overall:low"), "f64");  // as the CSV file has them
  EXPECT_THAT(data.numbers("0/heads", "documents"), ElementsAre(7, 9));
  EXPECT_THAT(data.numbers("0/heads", "window"), ElementsAre(IsNan(), 512));
  EXPECT_THAT(data.numbers("0/heads", "position_share"), ElementsAre(0.25, 0.5));
  EXPECT_EQ(data.numbers("0/heads", "position_share:low")[1], 0.4F);
  EXPECT_EQ(data.type("0/heads", "position_share:low"), "f32");
  EXPECT_THAT(data.numbers("0/heads", "method:counted"), ElementsAre(0.3F, 0.4F));
  EXPECT_THAT(data.numbers("0/heads", "trend:position"), ElementsAre(-1, IsNan()));
  EXPECT_THAT(data.numbers("0/heads", "trend:position:high"), ElementsAre(-0.5, IsNan()));
  EXPECT_THAT(data.texts("0/heads", "warnings"), ElementsAre("counted differs", "no line; far"));
  for (const char* name : {"0/intervals", "0/methods", "0/diagnostics"}) {
    EXPECT_FALSE(data.has(name)) << name;
  }
}

TEST(PageMetrics, TheirListSaysWhatTheyAre) {
  const auto list = data_of(page_of(Joined())).json["analyses"][0]["metrics"];
  std::vector<std::string> ids;
  for (const auto& metric : list) ids.push_back(metric["id"]);
  EXPECT_THAT(ids, ElementsAre("n_q_tokens", "ap_overall", "q_resid0_skew", "documents", "window",
                               "position_share", "method:counted", "trend:position"));
  EXPECT_EQ(list[1]["table"], "heads");
  EXPECT_EQ(list[7]["table"], "trends");
  EXPECT_EQ(list[7]["unit"], "per token");
  EXPECT_EQ(list[1]["signed"], false);
  EXPECT_EQ(list[2]["signed"], true);
  EXPECT_EQ(list[7]["signed"], true);
  // 2 % of the way from 0.1 to 0.2; skewness has 0 in the middle.
  EXPECT_NEAR(list[1]["limits"][0].get<double>(), 0.102, 1e-12);
  EXPECT_NEAR(list[1]["limits"][1].get<double>(), 0.198, 1e-12);
  EXPECT_NEAR(list[2]["limits"][0].get<double>(), -2.92, 1e-12);
  EXPECT_NEAR(list[2]["limits"][1].get<double>(), 2.92, 1e-12);
  EXPECT_NEAR(list[0]["limits"][1].get<double>(), 900, 1e-12);  // all are 600
  EXPECT_EQ(list[7]["limits"], nlohmann::json({-1.0, 1.0}));    // all are -1
}

TEST(PageMetrics, ZeroIsInTheMiddleOfSignedColoursWhateverTheValues) {
  const TestAnalysis one(1, 2);
  one.write("head_metrics.csv",
            "layer,q_head,k_head,q_resid0_kurt,q_noise_med_abs_kurt\n0,0,0,1,1\n0,1,1,2,2\n");
  const auto list = data_of(page_of(one)).json["analyses"][0]["metrics"];
  EXPECT_NEAR(list[0]["limits"][0].get<double>(), -1.98, 1e-12);
  EXPECT_NEAR(list[0]["limits"][1].get<double>(), 1.98, 1e-12);
  EXPECT_EQ(list[1]["signed"], false);  // absolute values
  EXPECT_NEAR(list[1]["limits"][0].get<double>(), 1.02, 1e-12);
}

TEST(PageMetrics, MethodsAreThoseOfTheRecordOrOfTheCells) {
  TestAnalysis one(1, 1);
  EXPECT_EQ(data_of(page_of(one)).json["analyses"][0]["methods"],
            nlohmann::json::array({"bucket"}));
  one.record.erase("methods");
  one.write_record();
  EXPECT_EQ(data_of(page_of(one)).json["analyses"][0]["methods"],
            nlohmann::json::array({"bucket"}));
  one.write("head_trends.csv",
            "layer,q_head,k_head,method,trend,reach,slope,ci_low,ci_high,unit\n"
            "0,0,0,counted,position,,1,,,per token\n");
  EXPECT_EQ(data_of(page_of(one)).json["analyses"][0]["methods"],
            nlohmann::json::array({"bucket"}));  // of the first table
  one.remove("head_bucket_details.csv");
  EXPECT_EQ(data_of(page_of(one)).json["analyses"][0]["methods"],
            nlohmann::json::array({"counted"}));
  one.remove("head_trends.csv");
  EXPECT_EQ(data_of(page_of(one)).json["analyses"][0]["methods"], nlohmann::json::array({""}));
}

TEST(PageMetrics, RowsForLatex) {
  const ReadContainer data = data_of(page_of(Joined()));
  const auto rows = data.texts("0/heads", "latex");
  EXPECT_EQ(rows[0], "% head & ap\\_overall & position\\_share \\\\\n0.0 & $0.100$ & $0.250$ \\\\");
  EXPECT_EQ(rows[1],
            "% head & ap\\_overall & position\\_share \\\\\n"
            "0.1 & $0.200\\;[0.150, 0.250]$ & $0.500\\;[0.400, 0.600]$ \\\\");
  const TestAnalysis odd(1, 2);
  odd.write("head_metrics.csv",
            "layer,q_head,k_head,ap_overall,q_R2_pos\n0,0,0,1.5e-8,675.1\n0,1,1,,12345\n");
  const auto odd_rows = data_of(page_of(odd)).texts("0/heads", "latex");
  EXPECT_THAT(odd_rows[0], testing::HasSubstr("0.0 & $1.50 \\times 10^{-8}$ & $675$"));
  EXPECT_THAT(odd_rows[1], testing::HasSubstr("0.1 & -- & $1.23 \\times 10^{4}$"));
}

}  // namespace page_metrics_test
}  // namespace qk
