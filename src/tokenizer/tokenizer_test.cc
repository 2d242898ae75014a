// Ids of small tokenizer.json files, one for each way in which model families split text, equal to
// those of transformers (tools/make_tokenizer_fixtures.py).
#include "tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "tokenizer/test_data.h"

namespace qk {
namespace {

using nlohmann::json;

class TokenizerJson : public testing::TestWithParam<const char*> {
 protected:
  Tokenizer tokenizer_ =
      Tokenizer::from_file(tokenizer_data_path(std::string(GetParam()) + ".json"));
  json expected_ = read_tokenizer_data("ids.json").at(GetParam());
};

TEST_P(TokenizerJson, GivesTheIdsOfTransformers) { expect_same_ids(tokenizer_, expected_); }

TEST_P(TokenizerJson, TruncatesLikeTransformers) {
  const json texts = read_tokenizer_data("texts.json").at("texts");
  for (const auto& [name, cases] : expected_.at("truncated").items()) {
    for (const auto& [max_length, ids] : cases.items()) {
      EXPECT_EQ(tokenizer_.encode(texts.at(name).get<std::string>(), std::stoll(max_length)).ids,
                ids.get<std::vector<int32_t>>())
          << name << " " << max_length;
    }
  }
}

TEST_P(TokenizerJson, SaysWhetherIdsWereCut) {
  const auto special_tokens = expected_.at("special_tokens").get<int64_t>();
  const json texts = read_tokenizer_data("texts.json").at("texts");
  int64_t num_cut = 0;
  for (const auto& [name, ids] : expected_.at("ids").items()) {
    const std::string text = texts.at(name);
    const auto length = static_cast<int64_t>(ids.size());
    EXPECT_FALSE(tokenizer_.encode(text, length + 1).truncated) << name;
    if (length > 0) {
      EXPECT_FALSE(tokenizer_.encode(text, length).truncated) << name;
    }
    if (length - 1 < std::max<int64_t>(special_tokens, 1)) continue;
    EXPECT_TRUE(tokenizer_.encode(text, length - 1).truncated) << name;
    ++num_cut;
  }
  EXPECT_GT(num_cut, 5);
}

TEST_P(TokenizerJson, RefusesLessThanItsSpecialTokens) {
  const auto special_tokens = expected_.at("special_tokens").get<int64_t>();
  for (int64_t max_length = 1; max_length < special_tokens; ++max_length) {
    EXPECT_THAT([&] { tokenizer_.encode("text", max_length); },
                testing::ThrowsMessage<Error>(testing::EndsWith(fmt::format(
                    "encoding failed: max_length is {}, less than the {} special tokens added",
                    max_length, special_tokens))));
  }
}

TEST_P(TokenizerJson, KnowsItsPieces) {
  const auto size = expected_.at("vocab_size").get<int64_t>();
  EXPECT_EQ(tokenizer_.vocab_size(), size);
  const auto pieces = expected_.at("first_pieces").get<std::vector<std::string>>();
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(tokenizer_.token(static_cast<int32_t>(i)), pieces[i]);
  for (size_t i = 40; i < pieces.size(); ++i) {
    const int64_t id = size - static_cast<int64_t>(pieces.size() - i);
    EXPECT_EQ(tokenizer_.token(static_cast<int32_t>(id)), pieces[i]);
  }
  EXPECT_THAT([&] { tokenizer_.token(static_cast<int32_t>(size)); },
              testing::ThrowsMessage<Error>(
                  testing::EndsWith(fmt::format("no token has the id {}", size))));
  EXPECT_THROW(tokenizer_.token(-1), Error);
}

TEST_P(TokenizerJson, GivesTheSameIdsFromManyThreads) {
  const json texts = read_tokenizer_data("texts.json").at("texts");
  std::vector<int> differences(4, 0);
  std::vector<std::thread> threads;
  threads.reserve(differences.size());
  for (int& count : differences) {
    threads.emplace_back([&] {
      for (const auto& [name, ids] : expected_.at("ids").items()) {
        const auto found = tokenizer_.encode(texts.at(name).get<std::string>(), 1'000'000).ids;
        count += found == ids.get<std::vector<int32_t>>() ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(differences, testing::Each(0));
}

INSTANTIATE_TEST_SUITE_P(Families, TokenizerJson,
                         testing::Values("digits_bytes", "three_digits_bytes",
                                         "one_digit_bytes_nfc", "prepended", "replaced",
                                         "metaspace"),
                         [](const auto& family) { return std::string(family.param); });

TEST(Tokenizer, IdentityIsTheHashOfTheText) {
  const auto path = tokenizer_data_path("prepended.json");
  EXPECT_EQ(Tokenizer::from_file(path).identity(), sha256_file(path));
}

TEST(Tokenizer, MovesItsHandle) {
  Tokenizer first = Tokenizer::from_file(tokenizer_data_path("prepended.json"));
  Tokenizer second = Tokenizer::from_file(tokenizer_data_path("digits_bytes.json"));
  const auto ids = first.encode("a b", 10).ids;
  second = std::move(first);
  EXPECT_EQ(second.encode("a b", 10).ids, ids);
}

}  // namespace
}  // namespace qk
