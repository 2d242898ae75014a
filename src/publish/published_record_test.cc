#include "publish/published_record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/test_folder.h"

namespace qk::published_record_test {
namespace {

class PublishedRecord : public testing::Test {
 protected:
  void record(const std::string& branch, const std::string& commit) {
    DatasetUpload dataset;
    dataset.folder = folder_.path();
    dataset.files.resize(2);
    dataset.bytes = 7;
    UploadTarget target;
    target.repo.id = "org/qk";
    target.branch = branch;
    record_published(dataset, target, {.commit = commit, .url = "https://h/c"});
  }
  nlohmann::json entries() const {
    return nlohmann::json::parse(read_file(folder_ / ".qkscope/published.json")).at("published");
  }
  TestFolder folder_;
};

TEST_F(PublishedRecord, KeepsTheLastOfEachBranch) {
  EXPECT_EQ(last_target(folder_.path()).repo, "");
  record("a", "1");
  record("b", "2");
  EXPECT_EQ(last_target(folder_.path()).branch, "b");
  record("a", "3");
  EXPECT_EQ(last_target(folder_.path()).repo, "org/qk");
  EXPECT_EQ(last_target(folder_.path()).branch, "a");
  const nlohmann::json list = entries();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].at("commit"), "2");
  EXPECT_EQ(list[1].at("commit"), "3");
  EXPECT_EQ(list[1].at("files"), 2);
  EXPECT_EQ(list[1].at("bytes"), 7);
  EXPECT_EQ(list[1].at("time").get<std::string>().size(), 20U);
}

TEST_F(PublishedRecord, DamagedOnesAreReplaced) {
  for (const char* text : {"", "[", "{}", R"({"published": {}})", R"({"published": [1]})"}) {
    folder_.write(".qkscope/published.json", text);
    EXPECT_EQ(last_target(folder_.path()).repo, "") << text;
    record("a", "1");
    EXPECT_EQ(last_target(folder_.path()).branch, "a") << text;
  }
}

TEST_F(PublishedRecord, FolderThatCannotBeWritten) {
  folder_.write(".qkscope", "a file");
  record("a", "1");
  EXPECT_EQ(last_target(folder_.path()).repo, "");
}

}  // namespace
}  // namespace qk::published_record_test
