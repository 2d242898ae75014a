#include "random/python_rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/test_vectors.h"

namespace qk {
namespace python_rng_test {

using Json = nlohmann::json;

const Json& vectors() {
  static const Json loaded = load_vectors("rng/python_random.json");
  return loaded;
}

PythonRandom generator_of(const Json& c) { return PythonRandom(c["seed"].get<std::string>()); }

TEST(PythonRng, WordsEqualPython) {
  ASSERT_EQ(vectors()["cases"].size(), 11U);
  for (const Json& c : vectors()["cases"]) {
    PythonRandom random = generator_of(c);
    for (const Json& word : c["u32"]) EXPECT_EQ(random.getrandbits(32), word) << c["seed"];
  }
}

TEST(PythonRng, GetrandbitsEqualsPython) {
  for (const Json& c : vectors()["cases"]) {
    PythonRandom random = generator_of(c);
    for (const Json& row : c["getrandbits"]) {
      const int k = row[0];
      const SeedWords expected = seed_words(row[1].get<std::string>());
      std::vector<uint32_t> words = random.getrandbits_words(k);
      while (words.size() > 1 && words.back() == 0) words.pop_back();
      EXPECT_EQ(words, expected.magnitude) << c["seed"] << " " << k;
    }
  }
}

TEST(PythonRng, GetrandbitsAsOneNumberIsTheWordsJoined) {
  for (const int k : {1, 5, 32, 33, 63, 64}) {
    PythonRandom a(11);
    PythonRandom b(11);
    const std::vector<uint32_t> words = a.getrandbits_words(k);
    const uint64_t joined = words[0] | (words.size() > 1 ? uint64_t{words[1]} << 32 : 0);
    EXPECT_EQ(b.getrandbits(k), joined) << k;
  }
}

TEST(PythonRng, NoBitsDrawNothing) {
  PythonRandom used(4);
  EXPECT_EQ(used.getrandbits(0), 0U);
  EXPECT_EQ(used.randbelow(0), 0U);
  PythonRandom fresh(4);
  EXPECT_EQ(used.getrandbits(32), fresh.getrandbits(32));
}

TEST(PythonRng, RandbelowEqualsPython) {
  for (const Json& c : vectors()["cases"]) {
    PythonRandom random = generator_of(c);
    for (const Json& row : c["randbelow"]) {
      EXPECT_EQ(random.randbelow(row[0].get<uint64_t>()), row[1]) << c["seed"] << " " << row;
    }
  }
}

TEST(PythonRng, SampleEqualsPython) {
  size_t num_samples = 0;
  for (const Json& c : vectors()["cases"]) {
    for (const Json& e : c["sample"]) {
      const std::vector<int64_t> out = generator_of(c).sample(e["n"], e["k"]);
      EXPECT_EQ(weighted_sum(out), e["wsum"].get<std::string>()) << c["seed"] << " " << e;
      const Json& shown = e.contains("out") ? e["out"] : e["first"];
      ASSERT_LE(shown.size(), out.size());
      EXPECT_TRUE(std::equal(shown.begin(), shown.end(), out.begin())) << c["seed"] << " " << e;
      ++num_samples;
    }
  }
  EXPECT_EQ(num_samples, 132U);
}

TEST(PythonRng, TheSignOfTheSeedDoesNotMatter) {
  EXPECT_EQ(PythonRandom(-7).getrandbits(64), PythonRandom(7).getrandbits(64));
  EXPECT_EQ(PythonRandom(INT64_MIN).getrandbits(64),
            PythonRandom("9223372036854775808").getrandbits(64));
}

TEST(PythonRng, ASeedThatIsNoNumberIsAnError) {
  for (const std::string seed : {"", "-", "1.5", " 1", "0x10", "12a"}) {
    EXPECT_THROW(PythonRandom{std::string_view(seed)}, Error) << seed;
  }
}

TEST(SeedWords, SplitsIntegersIntoWords) {
  using Words = std::vector<uint32_t>;
  EXPECT_EQ(seed_words(int64_t{0}).magnitude, Words{0});
  EXPECT_EQ(seed_words(int64_t{-1}).magnitude, Words{1});
  EXPECT_TRUE(seed_words(int64_t{-1}).negative);
  EXPECT_EQ(seed_words(INT64_MIN).magnitude, (Words{0, 0x80000000U}));
  EXPECT_EQ(seed_words("4294967296").magnitude, (Words{0, 1}));
  EXPECT_EQ(seed_words("+0018446744073709551616").magnitude, (Words{0, 0, 1}));
  EXPECT_EQ(seed_words("-0").magnitude, Words{0});
  EXPECT_FALSE(seed_words("-0").negative);
}

TEST(SeedWords, LimitsTheNumberOfDigits) {
  EXPECT_EQ(seed_words(std::string(4300, '9')).magnitude.size(), 447U);
  EXPECT_THROW(seed_words(std::string(4301, '9')), Error);
}

}  // namespace python_rng_test
}  // namespace qk
