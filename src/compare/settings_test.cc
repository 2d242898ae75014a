#include "compare/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace qk::settings_test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

json record() {
  return json::parse(R"({
    "program": "qkscope", "version": "1", "commit": null, "method": "bucket", "min_queries": 32,
    "covariance": "diagonal", "compat": null, "seed": 0, "max_tokens_per_head": 50000,
    "num_pairs_per_bucket": 256, "normality_max_dims": 64, "p_alpha": 0.01,
    "dataset": {"folder": "data", "model": "org/M", "corpus": {"sha256": "c0"},
                "capture": {"max_length": 8}, "num_layers": 3, "num_q_heads": 4, "num_k_heads": 2},
    "vector": "post_rope", "documents": null, "buckets": {"type": "uniform", "width": 16}})");
}

std::vector<std::string> different(const SettingsComparison& comparison) {
  std::vector<std::string> out;
  for (const SettingDifference& one : comparison.different) out.push_back(one.a.name);
  return out;
}

SettingsComparison compare(const json& a, const json& b, const std::string& method_a = "bucket",
                           const std::string& method_b = "bucket") {
  return compare_settings(settings_of(a, method_a), settings_of(b, method_b));
}

TEST(Settings, EqualRecordsDoNotDiffer) {
  const SettingsComparison comparison = compare(record(), record());
  EXPECT_THAT(comparison.different, IsEmpty());
  EXPECT_THAT(comparison.unknown, IsEmpty());
  EXPECT_THAT(comparison.subjects(), IsEmpty());
}

TEST(Settings, EveryDifferenceHasItsGroup) {
  const auto groups_of = [](const char* path, const json& value) {
    json other = record();
    other[json::json_pointer(path)] = value;
    const SettingsComparison comparison = compare(record(), other);
    EXPECT_EQ(comparison.different.size(), 1U) << path;
    return comparison.different.front().a.group;
  };
  EXPECT_EQ(groups_of("/dataset/num_layers", 4), SettingGroup::kHeads);
  EXPECT_EQ(groups_of("/buckets/width", 32), SettingGroup::kBuckets);
  EXPECT_EQ(groups_of("/buckets", {{"type", "log"}}), SettingGroup::kBuckets);
  EXPECT_EQ(groups_of("/dataset/model", "org/N"), SettingGroup::kModel);
  EXPECT_EQ(groups_of("/dataset/corpus/sha256", "c1"), SettingGroup::kDocuments);
  EXPECT_EQ(groups_of("/documents", json::array({{{"example_id", 7}}})), SettingGroup::kDocuments);
  EXPECT_EQ(groups_of("/dataset/capture/max_length", 9), SettingGroup::kCapture);
  EXPECT_EQ(groups_of("/vector", "pre_rope"), SettingGroup::kVector);
  EXPECT_EQ(groups_of("/min_queries", 8), SettingGroup::kMethod);
  EXPECT_EQ(groups_of("/seed", 1), SettingGroup::kOptions);
  EXPECT_EQ(groups_of("/compat", "reference"), SettingGroup::kOptions);
  EXPECT_EQ(groups_of("/dataset/folder", "other"), SettingGroup::kNote);
}

TEST(Settings, OfObjectsOnlyTheFieldsThatDifferAreNamed) {
  json a = record();
  a["dataset"]["capture"] =
      json::parse(R"({"max_length": 8, "sampler": {"type": "all", "rate": 1}})");
  json b = record();
  b["dataset"]["capture"] =
      json::parse(R"({"max_length": 8, "sampler": {"type": "uniform", "rate": 1}, "seed": 3})");
  const SettingsComparison comparison = compare(a, b);
  ASSERT_THAT(different(comparison), ElementsAre("capture"));
  EXPECT_EQ(comparison.different.front().a.value, "sampler.type all");
  EXPECT_EQ(comparison.different.front().b.value, "sampler.type uniform, seed 3");
}

// What a method does not have cannot differ: the covariance is that of linear.
TEST(Settings, OptionsOfOtherMethodsDoNotCount) {
  json other = record();
  other["covariance"] = "full";
  EXPECT_THAT(different(compare(record(), other)), IsEmpty());
  EXPECT_THAT(different(compare(record(), other, "linear", "linear")), ElementsAre("covariance"));
  EXPECT_THAT(different(compare(record(), record(), "bucket", "linear")), ElementsAre("method"));
}

TEST(Settings, WhatIsNotRecordedIsNoDifferenceAndIsNamed) {
  json other = record();
  other["dataset"]["corpus"] = nullptr;
  other["buckets"] = nullptr;
  other.erase("vector");
  const SettingsComparison comparison = compare(record(), other);
  EXPECT_THAT(different(comparison), IsEmpty());
  EXPECT_THAT(comparison.unknown, ElementsAre("buckets", "corpus", "vector"));
}

TEST(Settings, SubjectsAreWhatADifferenceMayComeFrom) {
  json other = record();
  other["dataset"]["model"] = "org/N";
  other["dataset"]["folder"] = "elsewhere";
  other["seed"] = 5;
  other["p_alpha"] = 0.05;
  EXPECT_THAT(compare(record(), other).subjects(),
              ElementsAre(SettingGroup::kModel, SettingGroup::kOptions));
}

}  // namespace
}  // namespace qk::settings_test
