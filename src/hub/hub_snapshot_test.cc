#include "hub/hub_snapshot.h"

#include <gtest/gtest.h>

#include "hub/test_cache.h"

namespace qk {
namespace {

class HubSnapshot : public testing::Test {
 protected:
  std::string missing(const std::vector<std::string>& files) const {
    return missing_of_snapshot(cache_.snapshot(), files);
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

TEST_F(HubSnapshot, ANumberedSeriesMustBeComplete) {
  for (const char* name : {"x-00000-of-00002.p", "x-00001-of-00002.p", "y-00001-of-00002.p",
                           "x-00000-of-00001.p", "x-0000-of-00003.p", "x-00000-of-0000a.p"}) {
    cache_.add(name, name, "");
  }
  EXPECT_EQ(missing({"x-00000-of-00002.p", "x-00001-of-00002.p"}), "");
  EXPECT_EQ(missing({"x-00001-of-00002.p"}), "1 of 2 files like x--of-00002.p");
  EXPECT_EQ(missing({"x-00000-of-00002.p", "y-00001-of-00002.p"}),
            "1 of 2 files like x--of-00002.p");
  EXPECT_EQ(missing({"x-00000-of-00001.p"}), "");
  EXPECT_EQ(missing({"x-0000-of-00003.p", "x-00000-of-0000a.p"}), "");  // not numbered so
}

}  // namespace
}  // namespace qk
