#include "page/page_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "page/test_page.h"

namespace qk {
namespace page_summary_test {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

using Facts = std::vector<std::pair<std::string, std::string>>;

nlohmann::json summary_of(const TestAnalysis& analysis, const ReportOptions& options = {}) {
  return data_of(page_of(analysis, options)).json["analyses"][0];
}

std::vector<std::string> warnings_of(const TestAnalysis& analysis) {
  return summary_of(analysis)["warnings"];
}

void add_diagnostics(TestAnalysis& analysis, const std::string& rows) {
  analysis.record["tables"]["diagnostics"] = "head_diagnostics.csv";
  analysis.write("head_diagnostics.csv",
                 "layer,q_head,k_head,documents,window,position_share,warning\n" + rows);
  analysis.write_record();
}

TEST(PageSummary, Facts) {
  TestAnalysis analysis(1, 2);
  analysis.record["error_bars"] = "jackknife";
  analysis.record["confidence"] = 0.95;
  analysis.record["dataset"]["corpus"]["sha256"] = std::string(64, 'a');
  add_diagnostics(analysis, "0,0,0,1200,,0.5,\n0,1,1,1300,512,0.5,\n");
  EXPECT_THAT(summary_of(analysis)["facts"].get<Facts>(),
              ElementsAre(Pair("Model", "SmolLM2.gguf"),
                          Pair("Heads", "2 query heads in 1 layer, 1 with a window"),
                          Pair("Documents", "1\u202f300 documents"), Pair("Vectors", "after RoPE"),
                          Pair("Buckets", "of 16 tokens"), Pair("Methods", "bucket"),
                          Pair("Error bars", "jackknife, 95 %"),
                          Pair("Corpus", "sha256 aaaaaaaaaaaaaaaa\u2026")));
}

TEST(PageSummary, WithoutARecordThereIsLittleToSay) {
  const TestAnalysis analysis(2, 2);
  analysis.remove("head_metrics.csv.json");
  EXPECT_THAT(summary_of(analysis)["facts"].get<Facts>(),
              ElementsAre(Pair("Heads", "4 query heads in 2 layers"), Pair("Methods", "bucket")));
}

TEST(PageSummary, WhatToKeepInMind) {
  TestAnalysis analysis(1, 2);
  EXPECT_THAT(warnings_of(analysis), Contains(HasSubstr("No error bars")));
  EXPECT_THAT(
      warnings_of(analysis),
      Contains("1 head could not be measured: layer 9, head 1 (data.parquet: is damaged)."));
  add_diagnostics(analysis, "0,0,0,9,,0.5,no line; far\n0,1,1,12,,0.5,far; far\n");
  analysis.record["method"] = "linear";
  analysis.record["covariance"] = "diagonal";
  analysis.record["heads"]["failed"] = nlohmann::json::array();
  analysis.record["heads"]["not_captured"] = 3;
  analysis.record["heads"]["without_keys"] = 0;
  analysis.write_record();
  const auto warnings = warnings_of(analysis);
  EXPECT_THAT(warnings[0], HasSubstr("12 documents, fewer than 50: "));
  EXPECT_THAT(warnings[2], HasSubstr("by the method linear"));
  EXPECT_THAT(warnings[3], HasSubstr("The covariance is diagonal"));
  EXPECT_EQ(warnings[4], "3 heads of the model not captured.");
  EXPECT_EQ(warnings[5], "1 head of 2: no line.");
  EXPECT_EQ(warnings[6], "2 heads of 2: far.");
  EXPECT_EQ(warnings.size(), 7u);
}

TEST(PageSummary, ManyFailuresAreCut) {
  TestAnalysis analysis;
  auto& failed = analysis.record["heads"]["failed"];
  for (int i = 0; i < 6; ++i) failed.push_back(failed[0]);
  analysis.write_record();
  EXPECT_THAT(warnings_of(analysis), Contains(testing::MatchesRegex("7 heads could .*; \u2026")));
}

TEST(PageSummary, NamesOfDocumentsAreAnnounced) {
  const TestAnalysis analysis;
  ReportOptions options;
  EXPECT_THAT(summary_of(analysis)["warnings"].dump(), Not(HasSubstr("names of the captured")));
  options.wishes.ids = true;
  EXPECT_THAT(summary_of(analysis, options)["warnings"].dump(), HasSubstr("names of the captured"));
}

}  // namespace page_summary_test
}  // namespace qk
