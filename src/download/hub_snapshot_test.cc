#include "download/hub_snapshot.h"

#include <gtest/gtest.h>

#include "download/test_cache.h"

namespace qk {
namespace {

class HubSnapshot : public testing::Test {
 protected:
  std::string missing(const std::vector<std::string>& files) const {
    return missing_of_snapshot(cache_.snapshot(), files);
  }
  std::string series(const std::vector<std::string>& files) const {
    return missing_of_series(cache_.snapshot(), files);
  }

  TestCache cache_{"datasets--org--data"};
};

TEST_F(HubSnapshot, ALinkWithoutItsBlobIsAMissingFile) {
  cache_.add("a.txt", "1", "");
  cache_.add("b.txt", "2", "");
  EXPECT_EQ(missing({"a.txt", "b.txt"}), "");
  std::filesystem::remove(cache_.repo() / "blobs/2");
  EXPECT_EQ(missing({"a.txt"}), "");
  EXPECT_EQ(missing({"a.txt", "b.txt"}), "b.txt is missing");
  EXPECT_EQ(missing({"c.txt"}), "c.txt is missing");
}

TEST_F(HubSnapshot, SizesAndDigestsOfTheList) {
  const auto listed = [&](const char* name) { return listed_file(cache_.snapshot() / name); };
  cache_.add("a", "1", "");
  EXPECT_FALSE(listed("a"));
  const std::string digest(64, 'a');
  cache_.write_tree(R"({"files":{"a":{"size":7,"lfs_size":7,"lfs_sha256":")" + digest +
                    R"("},"b":{"size":1}}})");
  ASSERT_TRUE(listed("a"));
  EXPECT_EQ(listed("a")->bytes, 7);
  EXPECT_EQ(listed("a")->sha256, digest);
  EXPECT_FALSE(listed("b"));  // stored in git
  EXPECT_FALSE(listed("c"));
}

TEST_F(HubSnapshot, ANumberedSeriesMustBeComplete) {
  for (const char* name : {"x-00000-of-00002.p", "x-00001-of-00002.p", "y-00001-of-00002.p",
                           "x-00000-of-00001.p", "x-0000-of-00003.p", "x-00000-of-0000a.p"}) {
    cache_.add(name, name, "");
  }
  EXPECT_EQ(series({"x-00000-of-00002.p", "x-00001-of-00002.p"}), "");
  EXPECT_EQ(series({"x-00001-of-00002.p"}), "1 of 2 files like x--of-00002.p");
  EXPECT_EQ(series({"x-00000-of-00002.p", "y-00001-of-00002.p"}),
            "1 of 2 files like x--of-00002.p");
  EXPECT_EQ(series({"x-00000-of-00001.p"}), "");
  EXPECT_EQ(series({"x-0000-of-00003.p", "x-00000-of-0000a.p"}), "");  // not numbered so
  cache_.write_tree(R"({"files":{"x-00001-of-00002.p":{}}})");
  EXPECT_EQ(series({"x-00001-of-00002.p"}), "");  // the repository has no others
}

}  // namespace
}  // namespace qk
