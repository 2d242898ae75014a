#include "capture/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_error.h"

namespace qk {
namespace shard_test {

TEST(Shard, HasEveryNthDocument) {
  const Shard shard = parse_shard("3/32");
  EXPECT_EQ(shard, (Shard{3, 32}));
  EXPECT_EQ(to_text(shard), "3/32");
  EXPECT_TRUE(shard.has(3));
  EXPECT_TRUE(shard.has(67));
  EXPECT_FALSE(shard.has(0));
  EXPECT_FALSE(shard.has(32));
  EXPECT_TRUE(parse_shard("0/1").has(17));
}

// Together they have each document once.
TEST(Shard, ShardsPartTheDocuments) {
  for (int64_t document = 0; document < 40; ++document) {
    int num_shards = 0;
    for (int64_t index = 0; index < 7; ++index) num_shards += Shard{index, 7}.has(document) ? 1 : 0;
    EXPECT_EQ(num_shards, 1);
  }
}

TEST(Shard, OthersAreRefused) {
  for (const char* text : {"", "3", "/", "3/", "/3", "3/3", "4/3", "0/0", "-1/3", "1/-3", "+1/3",
                           "1/3/5", "1.0/3", " 1/3", "1/3 ", "a/b", "1/99999999999999999999"}) {
    EXPECT_THAT(error_of([&] { parse_shard(text); }),
                testing::StartsWith("--shard: expected I/N, whole numbers from 0/N to N-1/N"))
        << text;
  }
}

}  // namespace shard_test
}  // namespace qk
