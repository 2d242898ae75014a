#include "draft/length_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"
#include "base/test_folder.h"
#include "capture/test_run.h"

namespace qk {
namespace length_sample_test {

using testing::ElementsAre;
using testing::HasSubstr;

LengthSample sample(std::vector<std::string> texts, const SampleLimits& limits = {}) {
  const TestFolder folder;
  const PreparedRun run = test_run({}, folder.path());
  TextCorpus corpus(std::move(texts));
  return sample_lengths(corpus, run.tokenizer, limits);
}

TEST(LengthSample, CountsEveryTokenOfAFewTexts) {
  const LengthSample found = sample({words(5), "", words(300), words(1)});
  EXPECT_THAT(found.tokens, ElementsAre(5, 0, 300, 1));
  EXPECT_EQ(found.num_tokenised, 3);
  EXPECT_TRUE(found.is_whole);
  EXPECT_EQ(found.documents, 4);
  EXPECT_EQ(found.scale(), 1);
}

TEST(LengthSample, EstimatesTheRestByLengthClass) {
  // "w1 " has 3 bytes a token, "w10 " 4: texts of one class are alike.
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) {
    texts.push_back(i % 2 == 0 ? words(10) : words(400));
  }
  const LengthSample found = sample(texts, {.whole_bytes = 0});
  ASSERT_EQ(found.tokens.size(), 40);
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(found.tokens[i], i % 2 == 0 ? 10 : 400) << i;
  // The 1st, 2nd, 4th, 8th and 16th of each class; the very first text is counted as well.
  EXPECT_LE(found.num_tokenised, 11);
  EXPECT_GE(found.num_tokenised, 10);
}

TEST(LengthSample, LongTextsAreTokenisedInPart) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "w1 ";
  const LengthSample found = sample({text}, {.prefix_bytes = 300});
  EXPECT_THAT(found.tokens, ElementsAre(1000));
}

TEST(LengthSample, StopsWhereTheLimitIs) {
  const LengthSample found =
      sample({words(10), words(10), words(10), words(10)}, {.read_bytes = 40});
  EXPECT_EQ(found.tokens.size(), 2);
  EXPECT_FALSE(found.is_whole);
  EXPECT_FALSE(found.out_of_time);
  EXPECT_EQ(found.scale(), 2);
  const LengthSample late = sample({words(10), words(10)}, {.seconds = 0});
  EXPECT_EQ(late.tokens.size(), 1);
  EXPECT_TRUE(late.out_of_time);
}

TEST(LengthSample, ErrorsOfTheCorpusAreItsOwn) {
  EXPECT_THAT(error_of([] { sample({words(3), "damaged"}); }), HasSubstr("text 1: is damaged"));
}

}  // namespace length_sample_test
}  // namespace qk
