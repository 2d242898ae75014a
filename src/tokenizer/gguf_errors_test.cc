// The sentence for every wrong GGUF vocabulary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "base/error.h"
#include "tokenizer/test_data.h"
#include "tokenizer/tokenizer.h"

namespace qk {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using Change = std::function<void(GgufVocabulary&)>;

GgufVocabulary byte_level() {
  GgufVocabulary vocabulary;
  vocabulary.file = "model.gguf";
  vocabulary.model = "gpt2";
  vocabulary.pre = "gpt-2";
  vocabulary.tokens = {"<s>", "a", "b", "ab", "Ġ", "Ġa"};
  vocabulary.token_types = {3, 1, 1, 1, 1, 1};
  vocabulary.merges = {"a b", "Ġ a"};
  vocabulary.bos_token_id = 0;
  return vocabulary;
}

GgufVocabulary scored() {
  GgufVocabulary vocabulary;
  vocabulary.file = "model.gguf";
  vocabulary.model = "llama";
  vocabulary.tokens = {"<unk>", "<s>", "</s>"};
  vocabulary.token_types = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary.tokens.push_back(fmt::format("<0x{:02X}>", byte));
    vocabulary.token_types.push_back(6);
  }
  for (const char* piece : {"ab", "a", "b", "▁"}) {
    vocabulary.tokens.emplace_back(piece);
    vocabulary.token_types.push_back(1);
  }
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    vocabulary.scores.push_back(-static_cast<float>(id));
  }
  return vocabulary;
}

void expect_refused(GgufVocabulary vocabulary, const Change& change, const std::string& sentence) {
  EXPECT_NO_THROW(Tokenizer::from_gguf(vocabulary));
  change(vocabulary);
  EXPECT_THAT([&] { Tokenizer::from_gguf(vocabulary); },
              ThrowsMessage<Error>(HasSubstr("model.gguf: tokenizer.ggml." + sentence)));
}

TEST(GgufErrors, AnyVocabulary) {
  const std::pair<Change, std::string> cases[] = {
      {[](auto& v) { v.model = "bert\n"; }, "model: expected gpt2 or llama, found bert?"},
      {[](auto& v) { v.tokens.clear(); }, "tokens: expected pieces, found none"},
      {[](auto& v) { v.tokens[3] = "a"; },
       "tokens: expected distinct pieces, found 'a' as entry 1 and 3"},
      {[](auto& v) { v.tokens[3] = "a\xFF"; }, "tokens: entry 3: expected UTF-8, found 'a"},
      {[](auto& v) { v.token_types.pop_back(); },
       "token_type: expected 6 entries as in tokenizer.ggml.tokens, found 5"},
      {[](auto& v) { v.token_types[2] = 7; }, "token_type: entry 2: expected 1 to 6, found 7"},
      {[](auto& v) { v.bos_token_id = 6; }, "bos_token_id: expected an id below 6, found 6"},
      {[](auto& v) { v.eos_token_id = -1; }, "eos_token_id: expected an id below 6, found -1"},
      {[](auto& v) { v.unknown_token_id = 9; },
       "unknown_token_id: expected an id below 6, found 9"},
      {[](auto& v) { v.add_eos_token = true; },
       "eos_token_id: expected an id, as the token is added to every text, found none"},
  };
  for (const auto& [change, sentence] : cases) expect_refused(byte_level(), change, sentence);
}

TEST(GgufErrors, ByteLevelVocabulary) {
  const std::pair<Change, std::string> cases[] = {
      {[](auto& v) { v.pre = ""; }, "pre: expected one of default, gpt-2, "},
      {[](auto& v) { v.pre = "other"; },
       "tekken, or a name that llama.cpp reads as one of them, found other; name a folder or Hub id that "
       "holds the model's tokenizer.json in tokenizer.name"},
      {[](auto& v) { v.merges.clear(); }, "merges: expected the merges of a gpt2 vocabulary"},
      {[](auto& v) { v.merges[1] = "ab"; },
       "merges: entry 1: expected two pieces with a space between, found 'ab'"},
      {[](auto& v) { v.merges[1] = " ab"; },
       "merges: entry 1: expected two pieces with a space between, found ' ab'"},
      {[](auto& v) { v.merges[1] = ""; },
       "merges: entry 1: expected two pieces with a space between, found ''"},
      {[](auto& v) { v.merges[1] = "a c"; },
       "merges: entry 1: expected pieces of tokenizer.ggml.tokens, found 'c'"},
      {[](auto& v) { v.merges[1] = "b a"; },
       "merges: entry 1: expected pieces of tokenizer.ggml.tokens, found 'ba'"},
      {[](auto& v) {
         v.pre = "llama-bpe";
         v.bos_token_id.reset();
       },
       "bos_token_id: expected an id, as the token is added to every text, found none"},
  };
  for (const auto& [change, sentence] : cases) {
    GgufVocabulary vocabulary = byte_level();
    change(vocabulary);
    EXPECT_THAT([&] { Tokenizer::from_gguf(vocabulary); },
                ThrowsMessage<Error>(HasSubstr(sentence)));
  }
}

TEST(GgufErrors, ScoredVocabulary) {
  const std::pair<Change, std::string> cases[] = {
      {[](auto& v) { v.scores.pop_back(); },
       "scores: expected 263 entries as in tokenizer.ggml.tokens, found 262"},
      {[](auto& v) { v.scores[7] = std::numeric_limits<float>::quiet_NaN(); },
       "scores: entry 7: expected a finite number, found nan"},
      {[](auto& v) { v.scores.assign(v.scores.size(), -1000.0F); },
       "scores: expected the order of merging, found -1000 for every piece"},
      {[](auto& v) { v.tokens[3 + 0x41] = "A"; },
       "tokens: expected a piece for every byte, found no <0x41>"},
  };
  for (const auto& [change, sentence] : cases) expect_refused(scored(), change, sentence);
}

TEST(GgufScored, MergesByScore) {
  const Tokenizer tokenizer = Tokenizer::from_gguf(scored());
  EXPECT_EQ(tokenizer.encode("ab\nab", 100).ids,
            (std::vector<int32_t>{1, 262, 259, 3 + '\n', 259}));
  EXPECT_EQ(tokenizer.encode("", 100).ids, (std::vector<int32_t>{1}));
}

TEST(GgufByteLevel, DefaultsToTheRuleOfThePreTokenizer) {
  GgufVocabulary vocabulary = byte_level();
  EXPECT_EQ(Tokenizer::from_gguf(vocabulary).encode("ab a", 9).ids, (std::vector<int32_t>{3, 5}));
  vocabulary.pre = "llama-bpe";
  EXPECT_EQ(Tokenizer::from_gguf(vocabulary).encode("ab a", 9).ids,
            (std::vector<int32_t>{0, 3, 5}));
  vocabulary.add_bos_token = false;
  EXPECT_EQ(Tokenizer::from_gguf(vocabulary).encode("ab a", 9).ids, (std::vector<int32_t>{3, 5}));
}

// The two texts are one text in normal form C; llama.cpp does not apply it, the models do.
TEST(GgufByteLevel, NormalFormCWhereTheModelsHaveIt) {
  GgufVocabulary vocabulary = byte_level();
  vocabulary.tokens.insert(vocabulary.tokens.end(), {"Ã", "©", "Ì", "ģ", "e"});
  vocabulary.token_types.resize(vocabulary.tokens.size(), 1);
  const std::string composed = "\u00e9";
  const std::string decomposed = "e\u0301";
  vocabulary.pre = "qwen2";
  const Tokenizer normalized = Tokenizer::from_gguf(vocabulary);
  EXPECT_EQ(normalized.encode(composed, 9).ids, normalized.encode(decomposed, 9).ids);
  vocabulary.pre = "glm4";
  const Tokenizer verbatim = Tokenizer::from_gguf(vocabulary);
  EXPECT_NE(verbatim.encode(composed, 9).ids, verbatim.encode(decomposed, 9).ids);
}

}  // namespace
}  // namespace qk
