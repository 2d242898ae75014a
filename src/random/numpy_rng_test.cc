#include "random/numpy_rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/test_vectors.h"

namespace qk {
namespace {

using Json = nlohmann::json;

const Json& vectors() {
  static const Json loaded = load_vectors("rng/numpy_random.json");
  return loaded;
}

NumpyGenerator generator_of(const Json& c) { return NumpyGenerator(c["seed"].get<std::string>()); }

std::string hex(NumpyGenerator::Uint128 value) {
  const auto high = static_cast<uint64_t>(value >> 64);
  const auto low = static_cast<uint64_t>(value);
  return high == 0 ? fmt::format("{:#x}", low) : fmt::format("{:#x}{:016x}", high, low);
}

TEST(NumpyRng, StateAndRawDrawsEqualNumpy) {
  ASSERT_EQ(vectors()["cases"].size(), 10U);
  for (const Json& c : vectors()["cases"]) {
    NumpyGenerator generator = generator_of(c);
    EXPECT_EQ(hex(generator.state()), c["state"].get<std::string>()) << c["seed"];
    EXPECT_EQ(hex(generator.increment()), c["inc"].get<std::string>()) << c["seed"];
    for (const Json& raw : c["raw64"]) EXPECT_EQ(generator.next64(), unsigned_of(raw));
  }
}

TEST(NumpyRng, DoublesEqualNumpy) {
  for (const Json& c : vectors()["cases"]) {
    NumpyGenerator generator = generator_of(c);
    for (const Json& number : c["double"]) EXPECT_EQ(generator.random(), number.get<double>());
  }
}

TEST(NumpyRng, IntegersEqualNumpy) {
  for (const Json& c : vectors()["cases"]) {
    NumpyGenerator generator = generator_of(c);
    for (const Json& row : c["integers"]) {
      EXPECT_EQ(generator.integers(signed_of(row[0])), signed_of(row[1])) << c["seed"] << row;
    }
  }
}

TEST(NumpyRng, ChoiceAndIntegersInterleavedEqualNumpy) {
  for (const Json& c : vectors()["cases"]) {
    NumpyGenerator generator = generator_of(c);
    for (const Json& row : c["mixed"]) {
      const int64_t m = row[0];
      EXPECT_EQ(generator.choice(m, 2), (std::vector<int64_t>{row[1], row[2]})) << row;
      EXPECT_EQ(generator.integers(m * (m - 1) / 2), row[3]) << row;
    }
  }
}

TEST(NumpyRng, ChoiceEqualsNumpy) {
  size_t num_choices = 0;
  for (const Json& c : vectors()["cases"]) {
    for (const Json& e : c["choice"]) {
      const std::vector<int64_t> out = generator_of(c).choice(e["n"], e["k"]);
      ASSERT_EQ(out.size(), e["k"].get<size_t>());
      EXPECT_EQ(weighted_sum(out), e["wsum"].get<std::string>()) << c["seed"] << " " << e;
      const Json& shown = e.contains("out") ? e["out"] : e["first"];
      EXPECT_TRUE(std::equal(shown.begin(), shown.end(), out.begin())) << c["seed"] << " " << e;
      ++num_choices;
    }
  }
  EXPECT_EQ(num_choices, 110U);
}

TEST(NumpyRng, ChoiceWithReplacementEqualsNumpy) {
  ASSERT_EQ(vectors()["replacement"].size(), 12U);
  for (const Json& c : vectors()["replacement"]) {
    const std::vector<int64_t> out =
        generator_of(c).choice_with_replacement(signed_of(c["n"]), std::ssize(c["out"]));
    for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], signed_of(c["out"][i])) << c;
  }
}

TEST(NumpyRng, WeightedChoiceEqualsNumpy) {
  ASSERT_EQ(vectors()["weighted"].size(), 16U);
  for (const Json& c : vectors()["weighted"]) {
    NumpyGenerator generator = generator_of(c);
    const std::vector<double> p = c["p"];
    for (const Json& index : c["out"]) EXPECT_EQ(generator.weighted_choice(p), index) << c;
  }
}

TEST(NumpyRng, AWaitingHalfSurvivesOtherDraws) {
  NumpyGenerator a(3);
  NumpyGenerator b(3);
  const uint64_t first = a.next64();
  EXPECT_EQ(b.next32(), static_cast<uint32_t>(first));
  EXPECT_EQ(b.next64(), a.next64());
  EXPECT_EQ(b.random(), a.random());
  EXPECT_EQ(b.next32(), static_cast<uint32_t>(first >> 32));
  EXPECT_EQ(b.next64(), a.next64());
}

TEST(NumpyRng, TheWholeRangeIsOneDraw) {
  NumpyGenerator a(3);
  NumpyGenerator b(3);
  EXPECT_EQ(a.bounded(UINT64_MAX), b.next64());
  EXPECT_EQ(a.bounded(UINT32_MAX), b.next32());
  EXPECT_EQ(a.bounded(0), 0U);
  EXPECT_EQ(a.next32(), b.next32());
}

TEST(NumpyRng, ANegativeSeedIsAnError) {
  EXPECT_THROW(NumpyGenerator(-1), Error);
  EXPECT_THROW(NumpyGenerator("-5"), Error);
  EXPECT_NO_THROW(NumpyGenerator("-0"));
}

TEST(NumpyRng, ChoicePairIsChoiceOfTwo) {
  for (const int64_t n : {2, 3, 4, 100, 20000}) {
    NumpyGenerator one(n);
    NumpyGenerator other(n);
    for (int i = 0; i < 50; ++i) {
      const auto [first, second] = one.choice_pair(n);
      EXPECT_EQ(other.choice(n, 2), (std::vector<int64_t>{first, second}));
    }
    EXPECT_EQ(one.next32(), other.next32());
  }
}

}  // namespace
}  // namespace qk
