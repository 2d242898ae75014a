#include "plasticity/local_pairs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "base/test_vectors.h"

namespace qk {
namespace {

std::vector<LocalDocument> documents(const std::vector<int64_t>& lengths, double fraction) {
  std::vector<LocalDocument> out;
  for (int64_t length : lengths) {
    out.push_back({.length = length, .reach = local_reach(length, fraction), .positions = {}});
  }
  return out;
}

TEST(LocalPairs, AsTheOriginalsSketch) {
  const nlohmann::json file = load_vectors("plasticity/local_pairs.json");
  ASSERT_FALSE(file["cases"].empty());
  for (const auto& c : file["cases"]) {
    const auto lengths = c["lengths"].get<std::vector<int64_t>>();
    const LocalPairSampler sampler(documents(lengths, c["max_rel_dist"].get<double>()));
    ASSERT_TRUE(sampler.can_draw());
    NumpyGenerator generator(c["seed"].get<int64_t>());
    for (const auto& want : c["pairs"]) {
      const LocalPair pair = sampler.draw(generator);
      EXPECT_EQ(want, (nlohmann::json{pair.document, pair.first, pair.second})) << c["lengths"];
    }
  }
}

TEST(LocalPairs, ReachIsAtLeastOneRow) {
  EXPECT_EQ(local_reach(1, 0.05), 1);
  EXPECT_EQ(local_reach(39, 0.05), 1);
  EXPECT_EQ(local_reach(40, 0.05), 2);
  EXPECT_EQ(local_reach(1000, 0.05), 50);
}

TEST(LocalPairs, NeverFartherThanTheReachNorTheSameKey) {
  const std::vector<int64_t> lengths = {7, 0, 1, 30};
  const LocalPairSampler sampler(documents(lengths, 0.2));
  NumpyGenerator generator(3);
  for (int i = 0; i < 2000; ++i) {
    const LocalPair pair = sampler.draw(generator);
    ASSERT_TRUE(pair.document == 0 || pair.document == 3);
    const int64_t far = std::abs(pair.first - pair.second);
    EXPECT_GE(far, 1);
    EXPECT_LE(far, pair.document == 0 ? 1 : 6);
    EXPECT_LT(std::max(pair.first, pair.second), lengths[static_cast<size_t>(pair.document)]);
    EXPECT_GE(std::min(pair.first, pair.second), 0);
  }
}

TEST(LocalPairs, ReachInTokens) {
  const std::vector<int64_t> positions = {0, 5, 6, 100, 104, 200};
  const LocalPairSampler sampler({{.length = 6, .reach = 5, .positions = positions}});
  NumpyGenerator generator(3);
  std::set<std::pair<int64_t, int64_t>> seen;
  for (int i = 0; i < 500; ++i) {
    const LocalPair pair = sampler.draw(generator);
    seen.insert({pair.first, pair.second});
  }
  const std::set<std::pair<int64_t, int64_t>> want = {{0, 1}, {1, 0}, {1, 2},
                                                      {2, 1}, {3, 4}, {4, 3}};
  EXPECT_EQ(seen, want);
  const std::vector<int64_t> apart = {0, 10, 20};
  EXPECT_FALSE(LocalPairSampler({{.length = 3, .reach = 5, .positions = apart}}).can_draw());
}

TEST(LocalPairs, NothingToDraw) {
  EXPECT_FALSE(LocalPairSampler({}).can_draw());
  EXPECT_FALSE(LocalPairSampler(documents({1, 0, 1}, 0.05)).can_draw());
}

// The middle key of three pairs with both others, which are exactly at the reach.
TEST(LocalPairs, AKeyAtTheReachIsWithinIt) {
  const std::vector<int64_t> two = {0, 5};
  EXPECT_TRUE(LocalPairSampler({{.length = 2, .reach = 5, .positions = two}}).can_draw());
  EXPECT_FALSE(LocalPairSampler({{.length = 2, .reach = 4, .positions = two}}).can_draw());
  const std::vector<int64_t> three = {0, 5, 10};
  const LocalPairSampler sampler({{.length = 3, .reach = 5, .positions = three}});
  NumpyGenerator generator(3);
  std::map<std::pair<int64_t, int64_t>, int> seen;
  for (int i = 0; i < 2000; ++i) {
    const LocalPair pair = sampler.draw(generator);
    ++seen[std::minmax(pair.first, pair.second)];
  }
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_NEAR((seen[{0, 1}]), 1000, 110);  // 4.9 standard deviations
  EXPECT_NEAR((seen[{1, 2}]), 1000, 110);
}

}  // namespace
}  // namespace qk
