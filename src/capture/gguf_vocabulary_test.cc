// Files made by tools/make_gguf_tokenizer_fixtures.py.
#include "capture/gguf_vocabulary.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tokenizer/test_data.h"

namespace qk {
namespace {

using nlohmann::json;

GgufVocabulary vocabulary_of(const std::string& name) {
  return gguf_vocabulary(GgufFile(tokenizer_data_path(name)));
}

TEST(GgufVocabulary, ReadsAScoredVocabulary) {
  const GgufVocabulary found = vocabulary_of("scored.gguf");
  const json expected = read_tokenizer_data("gguf_scored.json");
  EXPECT_EQ(found.file, tokenizer_data_path("scored.gguf").string());
  EXPECT_EQ(found.model, "llama");
  EXPECT_EQ(found.pre, "");
  EXPECT_EQ(found.tokens, expected.at("tokens").get<std::vector<std::string>>());
  EXPECT_EQ(found.scores, expected.at("scores").get<std::vector<float>>());
  EXPECT_EQ(found.token_types, expected.at("token_types").get<std::vector<int32_t>>());
  EXPECT_TRUE(found.merges.empty());
  EXPECT_EQ(found.bos_token_id, 1);
  EXPECT_EQ(found.eos_token_id, 2);
  EXPECT_EQ(found.unknown_token_id, 0);
  EXPECT_EQ(found.add_bos_token, false);
  EXPECT_EQ(found.add_eos_token, true);
  EXPECT_EQ(found.add_space_prefix, false);
}

TEST(GgufVocabulary, ReadsAByteLevelVocabulary) {
  const GgufVocabulary found = vocabulary_of("byte_level.gguf");
  const json expected = read_tokenizer_data("gguf_byte_level.json");
  EXPECT_EQ(found.model, "gpt2");
  EXPECT_EQ(found.pre, "tekken");
  EXPECT_EQ(found.tokens, expected.at("tokens").get<std::vector<std::string>>());
  EXPECT_EQ(found.merges, expected.at("merges").get<std::vector<std::string>>());
  EXPECT_TRUE(found.scores.empty());
  EXPECT_EQ(found.bos_token_id, 0);
  EXPECT_EQ(found.eos_token_id, std::nullopt);
  EXPECT_EQ(found.add_bos_token, std::nullopt);
  expect_same_ids(Tokenizer::from_gguf(found),
                  read_tokenizer_data("gguf_ids.json").at("byte_level").at("tekken"));
}

TEST(GgufVocabulary, GivesTheIdsOfLlamaCppForSmolLm2) {
  const char* named = std::getenv("QK_SMOLLM2_GGUF");
  const std::filesystem::path path =
      named != nullptr ? std::filesystem::path(named)
                       : std::filesystem::path(QK_TEST_DATA) /
                             "../../.deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "needs " << path << " (tools/setup)";
  const Tokenizer tokenizer = Tokenizer::from_gguf(gguf_vocabulary(GgufFile(path)));
  EXPECT_EQ(tokenizer.vocab_size(), 49152);
  EXPECT_EQ(tokenizer.token(1), "<|im_start|>");
  expect_same_ids(tokenizer, read_tokenizer_data("gguf_ids.json").at("smollm2"));
}

}  // namespace
}  // namespace qk
