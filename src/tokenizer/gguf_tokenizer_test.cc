// Ids with GGUF vocabularies, equal to those of llama.cpp (tools/make_gguf_tokenizer_fixtures.py).
#include <gtest/gtest.h>

#include <algorithm>

#include "tokenizer/test_data.h"
#include "tokenizer/tokenizer.h"

namespace qk {
namespace gguf_tokenizer_test {

using nlohmann::json;

GgufVocabulary read_vocabulary(const std::string& name) {
  const json value = read_tokenizer_data(name);
  GgufVocabulary vocabulary;
  vocabulary.file = "model.gguf";
  value.at("tokens").get_to(vocabulary.tokens);
  value.at("token_types").get_to(vocabulary.token_types);
  if (value.contains("scores")) value.at("scores").get_to(vocabulary.scores);
  if (value.contains("merges")) value.at("merges").get_to(vocabulary.merges);
  return vocabulary;
}

GgufVocabulary byte_level(const std::string& pre) {
  static const GgufVocabulary read = read_vocabulary("gguf_byte_level.json");
  GgufVocabulary vocabulary = read;
  vocabulary.model = "gpt2";
  vocabulary.pre = pre;
  vocabulary.bos_token_id = 0;
  vocabulary.eos_token_id = 2;
  return vocabulary;
}

GgufVocabulary scored() {
  GgufVocabulary vocabulary = read_vocabulary("gguf_scored.json");
  vocabulary.model = "llama";
  return vocabulary;
}

class GgufPre : public testing::TestWithParam<const char*> {};

TEST_P(GgufPre, GivesTheIdsOfLlamaCpp) {
  const json expected = read_tokenizer_data("gguf_ids.json").at("byte_level").at(GetParam());
  expect_same_ids(Tokenizer::from_gguf(byte_level(GetParam())), expected);
}

INSTANTIATE_TEST_SUITE_P(Names, GgufPre,
                         testing::Values("default", "gpt-2", "smollm", "llama-bpe", "smaug-bpe",
                                         "chatglm-bpe", "glm4", "qwen2", "stablelm2", "tekken"),
                         [](const auto& pre) {
                           std::string name = pre.param;
                           std::erase(name, '-');
                           return name;
                         });

// With every other name llama.cpp's ids are those of a name above.
TEST(GgufPreAliases, GiveTheIdsOfLlamaCpp) {
  const json ids = read_tokenizer_data("gguf_ids.json");
  ASSERT_EQ(ids.at("aliases").size(), 42U);
  for (const auto& [alias, name] : ids.at("aliases").items()) {
    SCOPED_TRACE(alias);
    expect_same_ids(Tokenizer::from_gguf(byte_level(alias)),
                    ids.at("byte_level").at(name.get<std::string>()));
  }
}

// llama.cpp finds <|endoftext|> and <|im_end|> as a whole, and <|im_start|> not.
TEST(GgufControlTexts, AreFoundWhereTheFileCallsThemNormal) {
  GgufVocabulary vocabulary = byte_level("gpt-2");
  std::ranges::fill(vocabulary.token_types, 1);
  const json expected = read_tokenizer_data("gguf_ids.json").at("all_normal");
  expect_same_ids(Tokenizer::from_gguf(vocabulary), expected);
  vocabulary.token_types.clear();
  expect_same_ids(Tokenizer::from_gguf(vocabulary), expected);
}

TEST(GgufScored, GivesTheIdsOfLlamaCpp) {
  const json expected = read_tokenizer_data("gguf_ids.json").at("scored");
  GgufVocabulary vocabulary = scored();
  {
    SCOPED_TRACE("with a space before the text, and BOS");
    expect_same_ids(Tokenizer::from_gguf(vocabulary), expected.at("prefix"));
  }
  SCOPED_TRACE("without, and with EOS");
  vocabulary.add_space_prefix = false;
  vocabulary.add_eos_token = true;
  expect_same_ids(Tokenizer::from_gguf(vocabulary), expected.at("no_prefix"));
}

}  // namespace gguf_tokenizer_test
}  // namespace qk
