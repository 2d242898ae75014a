// Buckets, samplers and the row cap against the original's own results.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/test_vectors.h"
#include "sampling/buckets.h"
#include "sampling/row_cap.h"
#include "sampling/sampler.h"

namespace qk {
namespace {

using Json = nlohmann::json;

Kind kind_of(const Json& letter) { return letter == "q" ? Kind::kQuery : Kind::kKey; }

SamplerType type_of(const std::string& name) {
  const std::map<std::string, SamplerType> types = {{"log_uniform", SamplerType::kLogUniform},
                                                    {"uniform", SamplerType::kUniform},
                                                    {"all", SamplerType::kAll}};
  return types.at(name);
}

TEST(Buckets, LogBucketsEqualTheVectors) {
  const Json vectors = load_vectors("capture/buckets.json");
  const std::vector<int64_t> positions = vectors["positions"];
  ASSERT_EQ(vectors["log"].size(), 14U);
  for (const Json& c : vectors["log"]) {
    const Buckets buckets(SamplerType::kLogUniform, c["min_bucket_size"], BucketRule::kFloat32);
    EXPECT_EQ(buckets.power(), c["power"].get<int>());
    EXPECT_EQ(buckets.effective_size(), c["effective"].get<int64_t>());
    for (size_t i = 0; i < positions.size(); ++i) {
      EXPECT_EQ(buckets.of(positions[i]), c["bucket"][i].get<int32_t>()) << positions[i];
    }
  }
}

TEST(Buckets, UniformBucketsEqualTheVectors) {
  const Json vectors = load_vectors("capture/buckets.json");
  const std::vector<int64_t> positions = vectors["positions"];
  ASSERT_EQ(vectors["uniform"].size(), 8U);
  for (const Json& c : vectors["uniform"]) {
    const int64_t size = c["bucket_size"];
    const Buckets uniform(SamplerType::kUniform, size, BucketRule::kFloat32);
    const Buckets all(SamplerType::kAll, size, BucketRule::kFloat32);
    EXPECT_EQ(uniform.effective_size(), size);
    for (size_t i = 0; i < positions.size(); ++i) {
      EXPECT_EQ(uniform.of(positions[i]), c["bucket"][i].get<int32_t>()) << positions[i];
      EXPECT_EQ(all.of(positions[i]), c["bucket"][i].get<int32_t>()) << positions[i];
    }
  }
}

TEST(Buckets, TheRulesPartWhereFloat32Does) {
  const Buckets exact(SamplerType::kLogUniform, 1, BucketRule::kExact);
  const Buckets rounded(SamplerType::kLogUniform, 1, BucketRule::kFloat32);
  for (int64_t position = 0; position < 2'097'150; ++position) {
    ASSERT_EQ(exact.of(position), rounded.of(position)) << position;
  }
  // The j positions just below a power of two are lifted over it.
  const std::pair<int, int64_t> lifted[] = {{21, 1}, {22, 2}, {23, 5}, {24, 11}};
  for (const auto& [power, j] : lifted) {
    const int64_t first_above = (int64_t{1} << power) - 1;
    EXPECT_EQ(exact.of(first_above), power);
    EXPECT_EQ(exact.of(first_above - 1), power - 1);
    EXPECT_EQ(rounded.of(first_above - j), power);
    EXPECT_EQ(rounded.of(first_above - j - 1), power - 1);
  }
}

TEST(Buckets, UniformRulesPartAbove24Bits) {
  const Buckets exact(SamplerType::kUniform, 1, BucketRule::kExact);
  const Buckets rounded(SamplerType::kUniform, 1, BucketRule::kFloat32);
  EXPECT_EQ(exact.of((1 << 24) + 1), (1 << 24) + 1);
  EXPECT_EQ(rounded.of((1 << 24) + 1), 1 << 24);
  for (int64_t size : {1, 3, 7, 50, 8192, 100'003}) {
    const Buckets a(SamplerType::kUniform, size, BucketRule::kExact);
    const Buckets b(SamplerType::kUniform, size, BucketRule::kFloat32);
    for (int64_t position = 0; position < 1 << 24; position += 97) {
      ASSERT_EQ(a.of(position), b.of(position)) << position << " / " << size;
    }
  }
}

TEST(Sampler, SeedsEqualTheVectors) {
  const Json vectors = load_vectors("capture/sampler_seeds.json");
  ASSERT_EQ(vectors["rows"].size(), 144U);
  for (const Json& row : vectors["rows"]) {
    EXPECT_EQ(position_seed(signed_of(row[0]), row[1], kind_of(row[2])), unsigned_of(row[3]))
        << row;
  }
}

TEST(Sampler, MasksEqualTheVectors) {
  const Json vectors = load_vectors("capture/sampler_masks.json");
  ASSERT_EQ(vectors["cases"].size(), 308U);
  for (const Json& c : vectors["cases"]) {
    const PositionSampler sampler(type_of(c["type"]), c["base_rate"], c["bucket_size"]);
    const uint64_t seed = position_seed(signed_of(c["example_id"]), c["layer"], kind_of(c["kind"]));
    const std::vector<int32_t> taken = sampler.select(c["len"].get<int64_t>(), seed);
    EXPECT_EQ(taken.size(), c["count"].get<size_t>()) << c;
    EXPECT_EQ(weighted_sum(taken), c["wsum"].get<std::string>()) << c;
    if (c.contains("sel")) {
      EXPECT_EQ(taken, c["sel"].get<std::vector<int32_t>>()) << c;
    }
  }
}

TEST(Sampler, GivenPositionsDecideTheProbabilityAndIndexesComeBack) {
  for (const SamplerType type :
       {SamplerType::kLogUniform, SamplerType::kUniform, SamplerType::kAll}) {
    const PositionSampler sampler(type, 3.0, 4);
    std::vector<int32_t> positions(5000);
    for (size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<int32_t>(i);
    EXPECT_EQ(sampler.select(positions, 17), sampler.select(int64_t{5000}, 17));
  }
  // Far positions are rarer, whatever their index.
  const PositionSampler sampler(SamplerType::kLogUniform, 3.0, 4);
  const std::vector<int32_t> near(1000, 0);
  const std::vector<int32_t> far(1000, 1 << 20);
  EXPECT_GT(sampler.select(near, 17).size(), 700U);
  EXPECT_LT(sampler.select(far, 17).size(), 5U);
}

TEST(Sampler, AllTakesEverythingAndNothingIsTakenOfNothing) {
  const PositionSampler all(SamplerType::kAll, 1.0, 128);
  EXPECT_EQ(all.select(int64_t{4}, 1), (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(all.expected_rows(4), 4.0);
  for (const SamplerType type : {SamplerType::kUniform, SamplerType::kAll}) {
    EXPECT_TRUE(PositionSampler(type, 1.0, 8).select(int64_t{0}, 1).empty());
  }
}

TEST(Sampler, RatesOutsideTheBucketTakeNothingOrEverything) {
  for (const SamplerType type : {SamplerType::kUniform, SamplerType::kLogUniform}) {
    for (const double rate : {1e9, 1e300}) {
      const PositionSampler all(type, rate, 4);
      EXPECT_EQ(all.select(int64_t{3000}, 1).size(), 3000U);
      EXPECT_EQ(all.expected_rows(3000), 3000.0);  // never more than one row a position
    }
    for (const double rate : {0.0, -1.0}) {
      const PositionSampler none(type, rate, 4);
      EXPECT_TRUE(none.select(int64_t{3000}, 1).empty());
      EXPECT_EQ(none.expected_rows(3000), 0.0);
    }
  }
}

// At the edge: 11744051 / 2^24 is below 0.7, but not below float32(0.7).
TEST(Sampler, TheComparisonIsInFloat32) {
  const PositionSampler sampler(SamplerType::kUniform, 0.7, 1);
  EXPECT_LT(11744051 * 0x1p-24, 0.7);
  EXPECT_EQ(sampler.expected_rows(1), 11744051 * 0x1p-24);
}

TEST(Sampler, ExpectedRowsIsTheMeanOverSeeds) {
  for (const SamplerType type : {SamplerType::kUniform, SamplerType::kLogUniform}) {
    const PositionSampler sampler(type, 16.0, 64);
    constexpr int kSeeds = 400;
    size_t taken = 0;
    for (int seed = 0; seed < kSeeds; ++seed) taken += sampler.select(int64_t{2000}, seed).size();
    const double mean = static_cast<double>(taken) / kSeeds;
    const double expected = sampler.expected_rows(2000);
    EXPECT_NEAR(mean, expected, 5 * std::sqrt(expected / kSeeds));
  }
}

// Bucket b holds the 2^b positions from 2^b - 1 on: up to b = 4 all of them are taken, then 16.
TEST(Sampler, NarrowBucketsGiveOneRowAPosition) {
  const PositionSampler sampler(SamplerType::kLogUniform, 16.0, 1);
  EXPECT_EQ(sampler.expected_rows(15), 15.0);
  EXPECT_EQ(sampler.expected_rows(31), 31.0);
  EXPECT_EQ(sampler.expected_rows(63), 47.0);
  EXPECT_EQ(sampler.expected_rows(127), 63.0);
}

TEST(RowCap, OrderEqualsTheVectors) {
  const Json vectors = load_vectors("capture/row_cap.json");
  ASSERT_EQ(vectors["cases"].size(), 16U);
  for (const Json& c : vectors["cases"]) {
    const uint64_t seed =
        row_cap_seed(c["layer"], c["first_head"], kind_of(c["kind"]), signed_of(c["example_id"]));
    EXPECT_EQ(seed, unsigned_of(c["seed"])) << c;
    const std::vector<int32_t> order = c["order"];
    std::vector<int32_t> selected(order.size());  // index i stands at position 3i + 1
    for (size_t i = 0; i < selected.size(); ++i) selected[i] = static_cast<int32_t>(3 * i + 1);
    for (size_t limit = 1; limit < order.size(); ++limit) {
      std::vector<int32_t> expected(limit);
      for (size_t i = 0; i < limit; ++i) expected[i] = 3 * order[i] + 1;
      EXPECT_EQ(cap_rows(selected, static_cast<int64_t>(limit), seed), expected) << c;
    }
  }
}

TEST(RowCap, FewRowsStayAsTheyAre) {
  const std::vector<int32_t> selected = {2, 5, 9};
  EXPECT_EQ(cap_rows(selected, 3, 1), selected);
  EXPECT_EQ(cap_rows(selected, 100, 1), selected);
  EXPECT_TRUE(cap_rows({}, 1, 1).empty());
}

}  // namespace
}  // namespace qk
