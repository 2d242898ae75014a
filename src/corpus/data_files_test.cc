// Expected values: the `datasets` library itself (tools/make_corpus_fixtures.py).
#include "corpus/data_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/list_files.h"
#include "base/test_error.h"
#include "corpus/corpus_files.h"
#include "download/local_resolver.h"

namespace qk {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

FileFormat format_named(const std::string& name) {
  if (name == "parquet") return FileFormat::kParquet;
  return name == "json" ? FileFormat::kJson : FileFormat::kText;
}

CorpusConfig config_of(const nlohmann::json& layout, const TestFolder& folder,
                       const std::string& split) {
  CorpusConfig config;
  config.path = folder.path().string();
  if (!layout["config"].is_null()) config.name = layout["config"];
  config.split = split;
  return config;
}

void check_layout(const nlohmann::json& layout) {
  const TestFolder folder;
  for (const std::string name : layout["files"]) folder.write(name, "{}");
  if (!layout["card"].is_null()) folder.write("README.md", layout["card"].get<std::string>());
  LocalResolver resolver;
  const std::string other =
      error_of([&] { find_corpus_files(config_of(layout, folder, "no_such_split"), resolver); });
  if (layout.contains("error")) {
    EXPECT_NE(other, "");
    EXPECT_THAT(other, testing::Not(HasSubstr("no_such_split")));
    return;
  }
  std::string names;
  for (const auto& split : layout["splits"]) {
    const CorpusFiles found = find_corpus_files(config_of(layout, folder, split[0]), resolver);
    EXPECT_EQ(found.names, split[1].get<std::vector<std::string>>());
    EXPECT_EQ(found.format, format_named(layout["format"]));
    names += (names.empty() ? "" : ", ") + split[0].get<std::string>();
  }
  EXPECT_THAT(other, HasSubstr("'no_such_split' is not a split of"));
  EXPECT_THAT(other, testing::EndsWith("it has " + names));
}

TEST(DataFiles, LayoutsAreReadAsDatasetsReadsThem) {
  const nlohmann::json layouts =
      nlohmann::json::parse(read_file(QK_TEST_DATA "/corpus/layouts.json"));
  ASSERT_GT(layouts.size(), 40U);
  for (const nlohmann::json& layout : layouts) {
    SCOPED_TRACE(layout.dump());
    check_layout(layout);
  }
}

TEST(DataFiles, LinksToFilesCountAndLinksToFoldersDoNot) {
  const TestFolder folder;
  folder.write("real/a.jsonl", "{}");
  std::filesystem::create_symlink("real/a.jsonl", folder / "b.jsonl");
  std::filesystem::create_symlink("real", folder / "linked");
  std::filesystem::create_symlink("nowhere", folder / "dangling.jsonl");
  EXPECT_THAT(list_files(folder.path()), ElementsAre("b.jsonl", "real/a.jsonl"));
}

TEST(DataFiles, HiddenAndSpecialNamesMustBeNamed) {
  const std::vector<std::string> listing = {".a/x", ".b", "__c/x", "__c/__d/x", "README.md", "e"};
  EXPECT_THAT(match_files(listing, "**"), ElementsAre("e"));
  EXPECT_THAT(match_files(listing, ".*"), ElementsAre(".b"));
  EXPECT_THAT(match_files(listing, ".*/*"), ElementsAre(".a/x"));
  EXPECT_THAT(match_files(listing, "__c/*"), ElementsAre("__c/x"));
  EXPECT_THAT(match_files(listing, "__c/__*/x"), ElementsAre("__c/__d/x"));
  EXPECT_THAT(match_files(listing, "README.md"), ElementsAre("README.md"));
  EXPECT_THAT(match_files(listing, "./e"), ElementsAre("e"));
}

TEST(DataFiles, SplitNames) {
  for (const char* name : {"train", "a.b", "x_1", "größe"}) EXPECT_TRUE(is_split_name(name));
  for (const char* name : {"", "a-b", ".a", "a.", "a..b", "a b"}) EXPECT_FALSE(is_split_name(name));
}

}  // namespace
}  // namespace qk
