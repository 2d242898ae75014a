#include "dataset/card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "dataset/schema.h"

namespace qk {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

CardInfo small_info() {
  CardInfo info;
  info.model = "org/Model-1B";
  info.metadata = {{"source_dataset", "org/corpus"},
                   {"dataset_name", ""},
                   {"dataset_split", "test"},
                   {"attention_scope", "full_only"},
                   {"sampling_strategy", "uniform"},
                   {"sampling_bucket_size", int64_t{256}},
                   {"head_sampling_seed", int64_t{0}},
                   {"zeta", 2.0},
                   {"alpha", 0.5},
                   {"head_sampling_strategy", "random_query"}};
  info.summary.configs = {"l00h00k", "l00h00q", "l00h01q", "l00h02q", "l02h05q"};
  info.summary.bucket_counts = {{0, 30}, {2, 7}};
  info.summary.buckets = {{0, {4, 9, 11}}, {2, {1, 7, 7}}};
  info.summary.rows = 37;
  return info;
}

YAML::Node front_matter(const std::string& card) {
  EXPECT_TRUE(card.starts_with("---\n"));
  const size_t end = card.find("\n---\n", 4);
  EXPECT_NE(end, std::string::npos);
  return YAML::Load(card.substr(4, end - 4));
}

TEST(Card, FrontMatterNamesEveryFile) {
  const YAML::Node yaml = front_matter(dataset_card(small_info()));
  EXPECT_EQ(yaml["pretty_name"].as<std::string>(), "q and k vectors of org/Model-1B");
  ASSERT_EQ(yaml["configs"].size(), 5U);
  EXPECT_EQ(yaml["configs"][0]["config_name"].as<std::string>(), "l00h00k");
  EXPECT_EQ(yaml["configs"][4]["data_files"].as<std::string>(), "l02h05q/data.parquet");
  int defaults = 0;
  for (const auto& config : yaml["configs"]) defaults += config["default"] ? 1 : 0;
  EXPECT_EQ(defaults, 1);
  EXPECT_TRUE(yaml["configs"][1]["default"].as<bool>());
}

TEST(Card, ThousandConfigsStaySmall) {
  CardInfo info = small_info();
  info.summary.configs.clear();
  for (int layer = 0; layer < 36; ++layer) {
    for (int head = 0; head < 32; ++head) {
      info.summary.configs.push_back(config_name(layer, head, Kind::kQuery));
    }
  }
  const std::string card = dataset_card(info);
  EXPECT_EQ(front_matter(card)["configs"].size(), 1152U);
  EXPECT_LT(card.size(), 90000U);
  EXPECT_THAT(card, HasSubstr("| 35 | 0-31 | - |\n"));
}

TEST(Card, ListsValuesAndTheRestSorted) {
  const std::string card = dataset_card(small_info());
  EXPECT_THAT(card, HasSubstr("- `model`: `org/Model-1B`\n- `source_dataset`: `org/corpus`\n"
                              "- `dataset_name`: (empty)\n"));
  EXPECT_THAT(card, HasSubstr("- `distributed_world_size`: `unknown`\n"
                              "- `captured_configs`: `5`\n- `captured_rows`: `37`\n"
                              "- `bucket_counts`: `b0=30, b2=7`\n"
                              "- `sampling_bucket_size`: `256`\n"));
  EXPECT_THAT(card,
              HasSubstr("## Further metadata\n\n- `alpha`: `0.5`\n- `head_sampling_seed`: `0`\n"
                        "- `head_sampling_strategy`: `random_query`\n- `zeta`: `2`\n"));
}

TEST(Card, CoverageHasRanges) {
  const std::string card = dataset_card(small_info());
  EXPECT_THAT(card, HasSubstr("| 0 | 0-2 | 0 |\n| 2 | 5 | - |\n"));
}

TEST(Card, BucketsHaveTheirPositions) {
  CardInfo info = small_info();
  EXPECT_THAT(dataset_card(info),
              HasSubstr("| 0 | 0-255 | 4 | 9 to 11 | 30 |\n| 2 | 512-767 | 1 | 7 | 7 |\n"));
  info.metadata.erase("sampling_bucket_size");
  EXPECT_THAT(dataset_card(info), HasSubstr("| 0 | unknown | 4 | 9 to 11 | 30 |\n"));
  info.metadata["sampling_strategy"] = "log";
  info.metadata["sampling_min_bucket_size"] = int64_t{128};
  info.summary.bucket_counts = {{7, 5}, {8, 6}};
  EXPECT_THAT(dataset_card(info),
              HasSubstr("| 7 | 0-254 | 0 | 0 | 5 |\n| 8 | 255-510 | 0 | 0 | 6 |\n"));
}

TEST(Card, ColumnsFollowTheLayout) {
  CardInfo info = small_info();
  EXPECT_THAT(dataset_card(info), HasSubstr("| `example_id` | int64 | id of the document |"));
  EXPECT_THAT(dataset_card(info), Not(HasSubstr("token_str")));
  EXPECT_THAT(dataset_card(info), Not(HasSubstr("vector_pre_rope")));
  info.has_token_str = info.has_pre_rope = info.compat_reference = true;
  const std::string card = dataset_card(info);
  EXPECT_THAT(card, HasSubstr("| `example_id` | int32 |"));
  EXPECT_THAT(card, HasSubstr("| `token_str` | string |"));
  EXPECT_THAT(card, HasSubstr("| `vector_pre_rope` | fixed-size list of float32 |"));
  EXPECT_THAT(card, HasSubstr("| `sliding_window` | int64 or null |"));
}

TEST(Card, LoadingExampleNamesTheRepository) {
  CardInfo info = small_info();
  EXPECT_THAT(dataset_card(info),
              HasSubstr("load_dataset(\"owner/name\", \"l00h00q\", revision=\"branch\""));
  info.hub_repo = "org/qk";
  info.hub_branch = "model-1b";
  EXPECT_THAT(dataset_card(info),
              HasSubstr("load_dataset(\"org/qk\", \"l00h00q\", revision=\"model-1b\""));
}

TEST(Card, HostileNamesStayText) {
  CardInfo info = small_info();
  info.model = "a\"b`c\n---\n- x: y";
  const std::string card = dataset_card(info);
  EXPECT_EQ(front_matter(card)["configs"].size(), 5U);
  EXPECT_THAT(card, HasSubstr("- `model`: `a\"b'c?---?- x: y`\n"));
}

TEST(SaverState, HasTheOriginalsForm) {
  CardInfo info;
  info.model = "m";
  info.metadata = {{"b", int64_t{1}}, {"a", "\u00e9"}};
  info.summary.bucket_counts = {{0, 4}, {2, 0}, {10, 3}};
  EXPECT_EQ(saver_state_json(info), R"({
  "bucket_counts": {
    "0": 4,
    "10": 3
  },
  "model_metadata": {
    "a": "\u00e9",
    "b": 1
  },
  "model_name": "m"
})");
}

TEST(Card, ValuesOfItemsOursAndTheOriginals) {
  const std::string text =
      "x - `model`: `no`\n- `model`: `org/m`\r\n- `rows`: `12`\n- `empty`: (empty)\n";
  EXPECT_EQ(card_value(text, "model"), "org/m");
  EXPECT_EQ(card_value(text, "rows"), "12");
  EXPECT_EQ(card_value(text, "empty"), "");
  EXPECT_EQ(card_value(text, "row"), "");
}

}  // namespace
}  // namespace qk
