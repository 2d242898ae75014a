#include "page/page_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "page/test_page.h"

namespace qk {
namespace page_comparison_test {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

ReportOptions named() {
  ReportOptions out;
  out.names = {"base", "tuned"};
  return out;
}

TEST(PageComparison, WithItselfAllIsZero) {
  const TestAnalysis analysis(2, 3);
  const ReadContainer data = data_of(page_of(analysis, analysis, named()));
  EXPECT_THAT(data.numbers("compare", "difference"), Each(0));
  EXPECT_EQ(data.num_rows("compare"), 3 * 6u);  // metrics and heads
  EXPECT_EQ(data.numbers("compare", "a"), data.numbers("compare", "b"));
  const auto comparison = data.json["comparison"];
  EXPECT_THAT(comparison["differs"], IsEmpty());
  EXPECT_EQ(comparison["matching"], "heads");
  EXPECT_EQ(comparison["errors"], "none");
  EXPECT_THAT(comparison["reason"].get<std::string>(), HasSubstr("no head_replicates.parquet"));
  EXPECT_EQ(data.num_rows("1/heads"), 6u);
  EXPECT_THAT(data.numbers("compare", "unsure"), Each(1));  // there are no intervals
  EXPECT_THAT(data.texts("compare", "verdict"), Each("not tested"));
  EXPECT_EQ(data.texts("compare", "head")[4], "1.1");
  EXPECT_EQ(comparison["changes"]["ap_overall"][1],
            "Nothing differs: the difference is 0 for each of the 6 heads.");
  EXPECT_EQ(comparison["what"], "The records name nothing that differs.");
  EXPECT_THAT(comparison["remarks"].back().get<std::string>(),
              testing::StartsWith("A: base (bucket) \u00b7 B: tuned (bucket) \u00b7 errors of "
                                  "differences: none ("));
  EXPECT_EQ(data.json["title"], "base and tuned");
}

TEST(PageComparison, OneThingDiffers) {
  const TestAnalysis a(2, 2);
  TestAnalysis b(2, 2, 0.25);
  b.record["dataset"]["model"] = "/models/of jane/Other.gguf";
  b.write_record();
  const ReadContainer data = data_of(page_of(a, b, named()));
  const auto differs = data.json["comparison"]["differs"];
  ASSERT_EQ(differs.size(), 1u);
  EXPECT_EQ(differs[0]["what"], "model");
  EXPECT_EQ(data.json["comparison"]["several"], false);
  EXPECT_EQ(differs[0]["a"], "SmolLM2.gguf");
  EXPECT_EQ(differs[0]["b"], "Other.gguf");
  EXPECT_EQ(data.json["title"], "base and tuned, other model");
  EXPECT_EQ(data.json["comparison"]["what"], "What differs: model: A SmolLM2.gguf, B Other.gguf.");
  EXPECT_EQ(data.json["comparison"]["changes"]["ap_overall"][1],
            "Without intervals it cannot be said which heads changed.");
  const auto metrics = data.texts("compare", "metric");
  const auto differences = data.numbers("compare", "difference");
  for (size_t i = 0; i < metrics.size(); ++i) {
    if (metrics[i] == "ap_overall") {
      EXPECT_NEAR(differences[i], 0.25, 1e-12);
    }
    if (metrics[i] == "q_R2_pos") {
      EXPECT_EQ(differences[i], 0);
    }
  }
}

TEST(PageComparison, SeveralThingsDiffer) {
  const TestAnalysis a;
  TestAnalysis b;
  b.record["dataset"]["model"] = "other";
  b.record["vector"] = "pre_rope";
  b.write_record();
  const ReportPage page = page_of(a, b, named());
  const ReadContainer data = data_of(page);
  EXPECT_FALSE(data.has("compare"));
  EXPECT_EQ(data.json["comparison"]["matching"], "heads");
  EXPECT_EQ(data.json["comparison"]["several"], true);
  EXPECT_EQ(
      data.json["comparison"]["reason"],
      "they differ in 2 things (model, vectors), so a difference cannot be ascribed to one of "
      "them");
  EXPECT_THAT(page.notes, testing::Contains(testing::StartsWith(
                              "base and tuned are shown side by side, without differences: ")));
  const std::string what = data.json["comparison"]["what"];
  EXPECT_THAT(what, StartsWith("More than one thing differs"));
  EXPECT_THAT(what, HasSubstr("model: A SmolLM2.gguf, B other"));
}

TEST(PageComparison, FoldersOfOneNameAreNoDifference) {
  const TestAnalysis a;
  TestAnalysis b;
  b.record["dataset"]["folder"] =
      "/elsewhere/" + std::filesystem::path(a.record["dataset"]["folder"]).filename().string();
  b.write_record();
  EXPECT_THAT(data_of(page_of(a, b, named())).json["comparison"]["differs"], IsEmpty());
}

TEST(PageComparison, FolderAndVersionAreNoThing) {
  const TestAnalysis a;
  TestAnalysis b;
  b.record["dataset"]["model"] = "other";
  b.record["dataset"]["folder"] = "/captures/other";
  b.record["version"] = "0.2.0";
  b.write_record();
  const ReadContainer data = data_of(page_of(a, b, named()));
  EXPECT_EQ(data.json["comparison"]["differs"].size(), 3u);
  EXPECT_EQ(data.json["comparison"]["several"], false);
  EXPECT_TRUE(data.has("compare"));
  const auto remarks = data.json["comparison"]["remarks"];
  ASSERT_EQ(remarks.size(), 2u);
  EXPECT_THAT(remarks[0].get<std::string>(), StartsWith("Differs too"));
  EXPECT_THAT(remarks[0].get<std::string>(), HasSubstr("B 0.2.0"));
}

TEST(PageComparison, OtherShapesAreMatchedByDepth) {
  const TestAnalysis a(2, 2);
  TestAnalysis b(3, 2);
  b.record["dataset"]["model"] = "other";
  b.write_record();
  const ReadContainer data = data_of(page_of(a, b, named()));
  EXPECT_FALSE(data.has("compare"));
  EXPECT_EQ(data.json["comparison"]["matching"], "depth");
  EXPECT_EQ(data.json["comparison"]["several"], false);
  EXPECT_EQ(data.json["comparison"]["reason"],
            "base and tuned: their heads cannot be compared one by one: layers 2 and 3");
  EXPECT_EQ(data.num_rows("1/heads"), 6u);
}

TEST(PageComparison, OtherBuckets) {
  const TestAnalysis a;
  TestAnalysis b;
  b.record["buckets"]["width"] = 32;
  b.write_record();
  const auto comparison = data_of(page_of(a, b, named())).json["comparison"];
  EXPECT_EQ(comparison["matching"], "heads");
  EXPECT_EQ(comparison["reason"],
            "base and tuned: their buckets differ (buckets uniform, 16 tokens and uniform, 32 "
            "tokens), so ap_overall is the mean of other cells");
}

TEST(PageComparison, WithoutRecords) {
  const TestAnalysis a;
  const TestAnalysis b(2, 2, 0.1);
  a.remove("head_metrics.csv.json");
  b.remove("head_metrics.csv.json");
  const ReportPage page = page_of(a, b, named());
  EXPECT_TRUE(data_of(page).has("compare"));
  EXPECT_THAT(page.notes, testing::Contains("base: has no record, so model, documents, buckets and "
                                            "method are not known."));
}

TEST(PageComparison, HeadsOfOneOnly) {
  const TestAnalysis a(2, 2);
  TestAnalysis b(2, 2);
  const std::string heads = b.read("head_metrics.csv");
  b.write("head_metrics.csv", heads.substr(0, heads.rfind("\n1,1,1,") + 1));
  b.record["heads"]["measured"] = 3;
  b.write_record();
  for (const char* file : {"head_bucket_details.csv", "head_bucket_plasticity.csv"}) {
    const std::string text = b.read(file);
    b.write(file, text.substr(0, text.rfind("\n1,1,1,") + 1));
  }
  const ReportPage page = page_of(a, b, named());
  EXPECT_EQ(data_of(page).num_rows("compare"), 3 * 3u);
  EXPECT_THAT(page.notes, testing::Contains(HasSubstr("Only base has 1 of the heads")));
}

TEST(PageComparison, UnsureIsWhatHoldsZero) {
  const auto unsure = [](double low, double high) { return is_unsure({low, high, 1, 0.5, ""}); };
  EXPECT_FALSE(unsure(0.5, 2));
  EXPECT_FALSE(unsure(-2, -0.5));
  EXPECT_FALSE(unsure(0, 0));
  EXPECT_TRUE(unsure(-1, 1));
  EXPECT_TRUE(unsure(0, 1));
  EXPECT_TRUE(is_unsure(no_error("none")));
}

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

HeadDifference head_of(double difference, double low, double high, double p_value) {
  HeadDifference out;
  out.difference = difference;
  out.error = {low, high, 1, p_value, ""};
  out.is_significant = p_value < 0.01;
  return out;
}

TEST(PageComparison, ChangesAreCounted) {
  MetricComparison metric;
  metric.heads = {head_of(1, 0.5, 2, 0.001), head_of(-1, -2, -0.5, 0.04), head_of(0.1, -1, 1, 0.9),
                  head_of(kNoNumber, kNoNumber, kNoNumber, kNoNumber)};
  metric.num_pairs = metric.num_tested = 3;
  metric.num_significant = 1;
  EXPECT_EQ(changes_text(metric, {})[0], "1 head of 3 changed");
  EXPECT_EQ(
      changes_text(metric, {})[1],
      ", corrected for the number of heads (Benjamini-Hochberg: at most 5 % of them are "
      "expected to be false). Without the correction 2 intervals lie on one side of 0; chance "
      "alone would give about 0.");
  EXPECT_THAT(changes_text(metric, {.confidence = 0.5, .fdr = 0.1})[1].get<std::string>(),
              testing::AllOf(HasSubstr("at most 10 % of"), HasSubstr("give about 2.")));
}

TEST(PageComparison, HeadsWithoutADifferenceDoNotCountAsChanged) {
  MetricComparison metric;
  metric.heads = {head_of(kNoNumber, kNoNumber, kNoNumber, kNoNumber), head_of(0, 0, 0, kNoNumber)};
  metric.num_pairs = 1;
  EXPECT_EQ(changes_text(metric, {})[1],
            "Nothing differs: the difference is 0 for each of the 1 head.");
  metric.heads.pop_back();
  metric.num_pairs = 0;
  EXPECT_EQ(changes_text(metric, {})[1],
            "Without intervals it cannot be said which heads changed.");
}

TEST(PageComparison, NothingPrivate) {
  const TestAnalysis a;
  TestAnalysis b;
  b.record["documents"][0]["example_id"] = 88123;
  b.record["dataset"]["folder"] = "/home/jane doe/other";
  b.write_record();
  const std::string data = template_bytes(page_of(a, b, named()).html, "data");
  for (const char* word : {"jane", "secret", "/home", "letter", "77123", "88123", "/tmp"}) {
    EXPECT_THAT(data, Not(HasSubstr(word)));
  }
}

}  // namespace page_comparison_test
}  // namespace qk
