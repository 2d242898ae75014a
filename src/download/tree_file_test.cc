#include "download/tree_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"
#include "download/test_cache.h"

namespace qk {
namespace tree_file_test {

using testing::HasSubstr;
using testing::SizeIs;

const std::string kSha1(40, 'a');
const std::string kSha256(64, 'b');

// The bytes that huggingface_hub 1.33 writes for the same files.
TEST(TreeFile, IsThatOfPython) {
  const std::vector<RemoteFile> files = {
      {.path = "config.json", .size = 2, .blob_id = kSha1, .sha256 = "", .xet_hash = ""},
      {.path = "m\xc3\xbcsli \"x\".bin",
       .size = 10,
       .blob_id = kSha1,
       .sha256 = kSha256,
       .xet_hash = "ff"}};
  const std::string expected =
      "{\n \"format_version\": 1,\n \"files\": {\n  \"config.json\": {\n   \"size\": 2,\n   \"blob_id\": \"" +
      kSha1 + "\"\n  },\n  \"m\\u00fcsli \\\"x\\\".bin\": {\n   \"size\": 10,\n   \"blob_id\": \"" +
      kSha1 + "\",\n   \"lfs_sha256\": \"" + kSha256 +
      "\",\n   \"lfs_size\": 10,\n   \"xet_hash\": \"ff\"\n  }\n }\n}";
  EXPECT_EQ(tree_file_text(files), expected);
  EXPECT_EQ(tree_file_text({}), "{\n \"format_version\": 1,\n \"files\": {}\n}");
}

class ReadTree : public testing::Test {
 protected:
  std::vector<RemoteFile> read() const {
    return *read_tree_file(cache_.repo(), TestCache::kCommit);
  }
  std::string error_with(const std::string& list) const {
    cache_.write_tree(list);
    return error_of([&] { read(); });
  }

  TestCache cache_{"models--org--m"};
};

TEST_F(ReadTree, GivesBackWhatWasWritten) {
  cache_.write_tree(tree_file_text(
      {{.path = "z", .size = 3, .blob_id = kSha1, .sha256 = kSha256, .xet_hash = "ff"},
       {.path = "a/b", .size = 0, .blob_id = kSha1, .sha256 = "", .xet_hash = ""}}));
  const std::vector<RemoteFile> files = read();
  ASSERT_THAT(files, SizeIs(2));
  EXPECT_EQ(files[0].path, "a/b");
  EXPECT_EQ(files[0].digest(), kSha1);
  EXPECT_EQ(files[1].path, "z");
  EXPECT_EQ(files[1].size, 3);
  EXPECT_EQ(files[1].digest(), kSha256);
  EXPECT_EQ(files[1].xet_hash, "ff");
}

TEST_F(ReadTree, IsAbsentOrOfAnotherFormat) {
  EXPECT_FALSE(read_tree_file(cache_.repo(), TestCache::kCommit));
  cache_.write_tree(R"({"format_version":2,"files":{"a":{}}})");
  EXPECT_FALSE(read_tree_file(cache_.repo(), TestCache::kCommit));
}

TEST_F(ReadTree, RefusesDamage) {
  for (const char* list : {"[", "[]", "{}", R"({"files":[]})"}) {
    EXPECT_THAT(error_with(list),
                HasSubstr("files: expected an object with the repository's files"))
        << list;
  }
}

TEST_F(ReadTree, RefusesWhatLeadsElsewhere) {
  for (const char* name :
       {"../../x", "a/../b", "/etc/passwd", "", ".", "a//b", "a/", "a/./b", "a\\u0000b"}) {
    EXPECT_THAT(error_with(R"({"files":{")" + std::string(name) + R"(":{}}})"),
                HasSubstr("leads out of the repository"))
        << name;
  }
  EXPECT_THAT(error_with(R"({"files":{"a":{"size":1,"blob_id":"../../../x"}}})"),
              HasSubstr("blob_id: expected 40 hexadecimal digits, found '../../../x'"));
  EXPECT_THAT(error_with(R"({"files":{"a":{"size":1,"lfs_sha256":"..x"}}})"),
              HasSubstr("lfs_sha256: expected 64 hexadecimal digits, found '..x'"));
  EXPECT_THAT(error_with(R"({"files":{"a":{"size":18446744073709551615}}})"),
              HasSubstr("size: 18446744073709551615 bytes are more than any file has"));
}

}  // namespace tree_file_test
}  // namespace qk
