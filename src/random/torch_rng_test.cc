#include "random/torch_rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/test_vectors.h"

namespace qk {
namespace {

std::vector<int64_t> head_of(const std::vector<int64_t>& list, size_t n) {
  return {list.begin(), list.begin() + static_cast<ptrdiff_t>(std::min(n, list.size()))};
}

std::vector<int64_t> tail_of(const std::vector<int64_t>& list, size_t n) {
  return {list.end() - static_cast<ptrdiff_t>(std::min(n, list.size())), list.end()};
}

// The numbers as multiples of 2^-24, which they must be exactly.
std::vector<int64_t> draw(TorchGenerator& generator, size_t n) {
  std::vector<float> numbers(n);
  generator.rand(numbers);
  std::vector<int64_t> out;
  for (const float x : numbers) {
    const float multiple = std::ldexp(x, 24);
    EXPECT_EQ(multiple, std::floor(multiple));
    EXPECT_LT(x, 1.0F);
    out.push_back(static_cast<int64_t>(multiple));
  }
  return out;
}

TEST(TorchRng, RandEqualsTorch) {
  size_t num_cases = 0;
  const auto vectors = load_vectors("rng/torch_rand.json");
  for (const auto& c : vectors["cases"]) {
    TorchGenerator generator(unsigned_of(c["seed"]));
    const std::vector<int64_t> numbers = draw(generator, c["n"]);
    EXPECT_EQ(head_of(numbers, c["first"].size()), c["first"].get<std::vector<int64_t>>()) << c;
    EXPECT_EQ(tail_of(numbers, c["last"].size()), c["last"].get<std::vector<int64_t>>()) << c;
    EXPECT_EQ(weighted_sum(numbers), c["wsum"].get<std::string>()) << c;
    ++num_cases;
  }
  EXPECT_EQ(num_cases, 72U);
}

TEST(TorchRng, RandGoesOnWhereTheLastCallEnded) {
  TorchGenerator whole(5);
  const std::vector<int64_t> expected = draw(whole, 3000);
  TorchGenerator parts(5);
  std::vector<int64_t> joined;
  for (const size_t n : {0U, 3U, 620U, 1U, 1U, 700U, 1248U, 427U}) {
    const std::vector<int64_t> part = draw(parts, n);
    joined.insert(joined.end(), part.begin(), part.end());
  }
  EXPECT_EQ(joined, expected);
}

TEST(TorchRng, OnlyTheLow32BitsOfTheSeedMatter) {
  TorchGenerator low(99);
  TorchGenerator high(99 + (uint64_t{123} << 32));
  EXPECT_EQ(draw(low, 100), draw(high, 100));
}

TEST(TorchRng, RandpermEqualsTorch) {
  size_t num_cases = 0;
  const auto vectors = load_vectors("rng/torch_randperm.json");
  for (const auto& c : vectors["cases"]) {
    TorchGenerator generator(unsigned_of(c["seed"]));
    const std::vector<int64_t> perm = generator.randperm(c["n"]);
    ASSERT_EQ(perm.size(), c["n"].get<size_t>());
    EXPECT_EQ(weighted_sum(perm), c["wsum"].get<std::string>()) << c;
    const std::vector<int64_t> shown = c.contains("perm") ? c["perm"] : c["first"];
    EXPECT_EQ(head_of(perm, shown.size()), shown) << c;
    ++num_cases;
  }
  EXPECT_EQ(num_cases, 81U);
}

TEST(TorchRng, RandpermByInsertionFollowsTheRule) {
  const auto vectors = load_vectors("rng/torch_randperm.json");
  ASSERT_EQ(vectors["insertion"].size(), 15U);
  for (const auto& c : vectors["insertion"]) {
    TorchGenerator generator(unsigned_of(c["seed"]));
    EXPECT_EQ(generator.randperm_by_insertion(c["n"]), c["perm"].get<std::vector<int64_t>>()) << c;
  }
}

TEST(TorchRng, RandpermOfNothingDrawsNothing) {
  TorchGenerator used(3);
  EXPECT_TRUE(used.randperm(0).empty());
  EXPECT_EQ(used.randperm(1), std::vector<int64_t>{0});
  TorchGenerator fresh(3);
  EXPECT_EQ(draw(used, 5), draw(fresh, 5));
}

TEST(Mt19937, EqualsTheStandardLibrary) {
  for (const uint32_t seed : {0U, 1U, 5489U, 0xFFFFFFFFU}) {
    Mt19937 ours(seed);
    std::mt19937 theirs(seed);
    for (int i = 0; i < 2000; ++i) ASSERT_EQ(ours.next(), theirs()) << seed << " " << i;
  }
}

TEST(Mt19937, FillAndNextShareOneSequence) {
  Mt19937 ours(7U);
  std::mt19937 theirs(7U);
  for (const size_t n : {5U, 618U, 1U, 1U, 2000U, 0U, 13U}) {
    std::vector<uint32_t> words(n);
    ours.fill(words);
    for (const uint32_t word : words) ASSERT_EQ(word, theirs());
    ASSERT_EQ(ours.next(), theirs());
  }
}

}  // namespace
}  // namespace qk
