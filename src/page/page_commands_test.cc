#include "page/page_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace qk {
namespace page_commands_test {

using nlohmann::json;
using testing::ElementsAre;

constexpr const char* kHostile = "$(touch x); `id` & '\"a\nrm -r b\x03";

PageFile file(std::string name, std::string table) {
  PageFile out;
  out.name = std::move(name);
  out.table = std::move(table);
  return out;
}

TEST(PageCommands, WordsThatAShellTakesAsTheyAre) {
  for (const char* word : {"bucket,counted", "org/name@rev", "0.95", "a-b_c.csv:1=2", "-1"}) {
    EXPECT_EQ(shell_word(word), word);
  }
}

TEST(PageCommands, OtherWordsAreQuotedAndCannotEndTheirLine) {
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("two words"), "'two words'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(kHostile), "'$(touch x); `id` & '\\''\"a?rm -r b?'");
  EXPECT_EQ(shell_word("~/a"), "'~/a'");
}

TEST(PageCommands, OfAnAnalysis) {
  const json record = {{"configured",
                        {{"dataset", "run"},
                         {"method", {"bucket", "counted"}},
                         {"profiles", true},
                         {"bucket_width", nullptr},
                         {"compat", false},
                         {"seed", 0},
                         {"documents", {"a", "b"}},
                         {"output_dir", "x"}}}};
  const std::vector<PageFile> files = {file("cells one.csv", "cells"), file("r.csv", "rope_pairs"),
                                       file("head_metrics.csv", "heads")};
  EXPECT_THAT(page_commands(record, "results", files),
              ElementsAre("qkscope analyze run --documents DOCUMENTS --method bucket,counted "
                          "--profiles --seed 0 --output_dir results",
                          "qkscope report results",
                          "qkscope plot plasticity --bucket_csv 'results/cells one.csv'",
                          "qkscope plot heatmap --bucket_csv 'results/cells one.csv'",
                          "qkscope plot wavelengths --rope_csv results/r.csv"));
}

TEST(PageCommands, OfADatasetOfTheHubAndOfNone) {
  const json record = {{"configured", {{"dataset", "name@v1"}}},
                       {"dataset", {{"repo", "org/name"}, {"revision", "v1"}}}};
  EXPECT_THAT(page_commands(record, "-a", {}),
              ElementsAre("qkscope analyze org/name@v1 --output_dir ./-a", "qkscope report ./-a"));
  EXPECT_THAT(page_commands(nullptr, "a", {}),
              ElementsAre("qkscope analyze DATASET --output_dir a", "qkscope report a"));
}

TEST(PageCommands, WhatIsMissingIsMadeByTheSameAnalysis) {
  json record = {
      {"configured", {{"dataset", "run"}, {"error_bars", "none"}, {"min_queries", 100}}}};
  EXPECT_EQ(
      missing_command(record, "a", "--error_bars jackknife"),
      "qkscope analyze run --min_queries 100 --output_dir a --error_bars jackknife --overwrite");
  EXPECT_EQ(missing_command(record, "a", ""),
            "qkscope analyze run --error_bars none --min_queries 100 --output_dir a --overwrite");
  record["configured"]["error_bars"] = "bootstrap";
  record["error_bars"] = "bootstrap";
  record["configured"]["profiles"] = false;
  record["configured"]["compat"] = "reference";
  EXPECT_EQ(
      missing_command(record, "a", "--error_bars jackknife"),
      "qkscope analyze run --error_bars bootstrap --min_queries 100 --output_dir a --overwrite");
  EXPECT_EQ(
      missing_command(record, "a", "--profiles"),
      "qkscope analyze run --error_bars bootstrap --min_queries 100 --output_dir a --profiles "
      "--overwrite");
  EXPECT_EQ(missing_command(nullptr, "a", "--profiles"),
            "qkscope analyze DATASET --output_dir a --profiles --overwrite");
}

TEST(PageCommands, HostileNamesAreWords) {
  const json record = {{"configured", {{"dataset", kHostile}, {kHostile, {{"a", 1}}}}}};
  EXPECT_EQ(page_commands(record, "a", {})[0],
            "qkscope analyze '$(touch x); `id` & '\\''\"a?rm -r b?' '--$(touch x); `id` & "
            "'\\''\"a?rm -r b?' '{\"a\":1}' --output_dir a");
}

}  // namespace page_commands_test
}  // namespace qk
