#include "model/rope_frequencies.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace qk {
namespace {

// Golden values were computed in double; float32 arithmetic stays within a few units of 2^-24.
constexpr double kFloat = 1e-6;

using Golden = std::map<int, double>;

void expect_frequencies(const RopeParameters& rope, const Golden& golden, int64_t length = 1) {
  const RopeFrequencies frequencies = rope_frequencies(rope, length);
  for (const auto& [i, expected] : golden) {
    EXPECT_NEAR(frequencies.values.at(static_cast<size_t>(i)), expected, kFloat * expected)
        << "f" << i;
  }
}

RopeParameters llama3(int64_t rotary_dim, double factor) {
  return {.type = RopeType::kLlama3,
          .rope_theta = 5e5,
          .rotary_dim = rotary_dim,
          .factor = factor,
          .original_max_position_embeddings = 8192};
}

TEST(RopeFrequenciesTest, Llama3) {
  expect_frequencies(llama3(128, 8), {{0, 1},
                                      {1, 0.8146172339},
                                      {28, 3.211445995e-3},
                                      {29, 2.166570764e-3},
                                      {34, 1.785078128e-4},
                                      {35, 9.556212354e-5},
                                      {63, 3.068925989e-7}});
  expect_frequencies(
      llama3(128, 32),
      {{29, 2.118406997e-3}, {32, 4.295567966e-4}, {35, 2.389053088e-5}, {63, 7.672314972e-8}});
  expect_frequencies(llama3(64, 32), {{14, 3.211445995e-3},
                                      {15, 1.290547928e-3},
                                      {16, 4.295567966e-4},
                                      {17, 9.708287803e-5},
                                      {18, 1.946163818e-5},
                                      {31, 9.418306725e-8}});
}

TEST(RopeFrequenciesTest, YarnWithEqualScales) {
  const RopeParameters rope = {.type = RopeType::kYarn,
                               .rope_theta = 1e6,
                               .rotary_dim = 128,
                               .factor = 16,
                               .original_max_position_embeddings = 16384,
                               .mscale = 1.0,
                               .mscale_all_dim = 1.0};
  EXPECT_EQ(rope_frequencies(rope, 1).attention_factor, 1.0F);
  expect_frequencies(rope, {{1, 0.8058421878},
                            {20, 1.333521432e-2},
                            {25, 3.282066090e-3},
                            {30, 6.907023389e-4},
                            {35, 9.042300879e-5},
                            {40, 1.111424631e-5},
                            {63, 7.755861005e-8}});
}

TEST(RopeFrequenciesTest, YarnForLongContext) {
  const RopeParameters rope = {.type = RopeType::kYarn,
                               .rope_theta = 1e6,
                               .rotary_dim = 128,
                               .factor = 4,
                               .original_max_position_embeddings = 32768};
  EXPECT_NEAR(rope_frequencies(rope, 1).attention_factor, 1.138629436111989, 1e-7);
  expect_frequencies(
      rope,
      {{25, 4.131738023e-3}, {30, 1.064360981e-3}, {35, 2.462584069e-4}, {40, 4.445698525e-5}});
}

TEST(RopeFrequenciesTest, YarnWithoutTruncation) {
  RopeParameters rope = {.type = RopeType::kYarn,
                         .rope_theta = 150000,
                         .rotary_dim = 64,
                         .factor = 32,
                         .original_max_position_embeddings = 4096,
                         .truncate = false};
  EXPECT_NEAR(rope_frequencies(rope, 1).attention_factor, 1.3465735902799727, 1e-7);
  const Golden golden = {
      {8, 5.081327482e-2}, {12, 6.794959490e-3}, {16, 4.564839192e-4}, {20, 1.818833668e-5}};
  expect_frequencies(rope, golden);
  rope.truncate = true;
  EXPECT_GT(std::abs(rope_frequencies(rope, 1).values[12] - golden.at(12)), 1e-4);
}

TEST(RopeFrequenciesTest, YarnAttentionFactorIsGivenOrFollows) {
  RopeParameters rope = {.type = RopeType::kYarn,
                         .rotary_dim = 8,
                         .factor = 4,
                         .original_max_position_embeddings = 64};
  rope.attention_factor = 1.25;
  EXPECT_EQ(rope_frequencies(rope, 1).attention_factor, 1.25F);
  rope.attention_factor.reset();
  rope.mscale = 2.0;
  rope.mscale_all_dim = 0.0;  // zero counts as not given
  EXPECT_NEAR(rope_frequencies(rope, 1).attention_factor, 0.1 * std::log(4.0) + 1, 1e-7);
}

TEST(RopeFrequenciesTest, LinearAndDefault) {
  expect_frequencies({.type = RopeType::kLinear, .rope_theta = 1e6, .rotary_dim = 256, .factor = 8},
                     {{0, 0.125}, {1, 0.1122108916}, {64, 1.25e-4}, {127, 1.392467325e-7}});
  expect_frequencies({.rope_theta = 1e4, .rotary_dim = 256},
                     {{1, 0.9305720409}, {64, 0.01}, {127, 1.074607828e-4}});
}

TEST(RopeFrequenciesTest, DynamicStretchesThetaOnlyBeyondTheModelsLength) {
  const RopeParameters rope = {.type = RopeType::kDynamic,
                               .rope_theta = 1e4,
                               .rotary_dim = 128,
                               .factor = 2,
                               .max_position_embeddings = 2048};
  const RopeParameters plain = {.rope_theta = 1e4, .rotary_dim = 128};
  EXPECT_EQ(rope_frequencies(rope, 2048), rope_frequencies(plain, 1));
  expect_frequencies(
      rope,
      {{1, std::pow(30527.7367488067, -2.0 / 128)}, {63, std::pow(30527.7367488067, -126.0 / 128)}},
      4096);
}

TEST(RopeFrequenciesTest, LongropeChoosesTheListByLength) {
  RopeParameters rope = {.type = RopeType::kLongrope,
                         .rope_theta = 1e4,
                         .rotary_dim = 4,
                         .factor = 32,
                         .original_max_position_embeddings = 4096,
                         .short_factor = {1, 2},
                         .long_factor = {4, 8}};
  EXPECT_NEAR(rope_frequencies(rope, 1).attention_factor, 1.1902380714238083, 1e-7);
  expect_frequencies(rope, {{0, 1}, {1, 0.005}}, 4096);
  expect_frequencies(rope, {{0, 0.25}, {1, 0.00125}}, 4097);
  rope.factor = 1;
  EXPECT_EQ(rope_frequencies(rope, 1).attention_factor, 1.0F);
}

TEST(RopeFrequenciesTest, DivisorsOfGgufDivide) {
  const RopeParameters rope = {.rope_theta = 1e4, .rotary_dim = 4, .divisors = {1, 8}};
  expect_frequencies(rope, {{0, 1}, {1, 0.01 / 8}});
}

}  // namespace
}  // namespace qk
