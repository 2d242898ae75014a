// The sentence for every wrong tokenizer.json and every wrong text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "tokenizer/test_data.h"
#include "tokenizer/tokenizer.h"

namespace qk {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class TokenizerErrors : public testing::Test {
 protected:
  TokenizerErrors() : folder_(std::filesystem::path(testing::TempDir()) / test_name()) {
    std::filesystem::create_directories(folder_);
  }
  ~TokenizerErrors() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  Tokenizer load() const { return Tokenizer::from_folder(folder_); }
  Tokenizer load(const std::string& text) const {
    write("tokenizer.json", text);
    return load();
  }
  // A good tokenizer.json after one change.
  Tokenizer load_changed(const std::function<void(json&)>& change) const {
    json value = read_tokenizer_data("prepended.json");
    change(value);
    return load(value.dump());
  }
  void expect_refused(const std::string& text, const std::string& reason) const {
    EXPECT_THAT([&] { load(text); },
                ThrowsMessage<Error>(AllOf(HasSubstr((folder_ / "tokenizer.json").string() +
                                                     ": tokenizers cannot load it"),
                                           HasSubstr(reason))));
  }
  void expect_change_refused(const std::function<void(json&)>& change,
                             const std::string& reason) const {
    json value = read_tokenizer_data("prepended.json");
    change(value);
    expect_refused(value.dump(), reason);
  }

  std::filesystem::path folder_;

 private:
  static std::string test_name() {
    return std::string("tokenizer_") +
           testing::UnitTest::GetInstance()->current_test_info()->name();
  }
};

TEST_F(TokenizerErrors, MissingFile) {
  EXPECT_THAT([&] { load(); },
              ThrowsMessage<Error>((folder_ / "tokenizer.json").string() + ": is missing"));
  write("tokenizer.model", "");
  EXPECT_THAT([&] { load(); }, ThrowsMessage<Error>(HasSubstr("tokenizer.model beside it")));
}

TEST_F(TokenizerErrors, WrongText) {
  const std::string good = json(read_tokenizer_data("prepended.json")).dump();
  expect_refused("", "EOF while parsing");
  expect_refused(good.substr(0, good.size() / 2), "EOF while parsing");
  expect_refused("[]", "invalid type: sequence, expected struct Tokenizer");
  expect_refused("{}", "Model missing");
  expect_refused("\xFF\xFE", "expected value");
  expect_refused(std::string(100'000, '['), "line 1 column");
}

TEST_F(TokenizerErrors, WrongFields) {
  expect_change_refused([](json& t) { t["version"] = "2.0"; }, "Unknown tokenizer version '2.0'");
  expect_change_refused([](json& t) { t["model"]["merges"] = {"a b c"}; }, "Merges text file");
  expect_change_refused([](json& t) { t["model"]["merges"] = {"a never-seen"}; },
                        "out of vocabulary");
  expect_change_refused([](json& t) { t["model"]["vocab"]["a"] = -1; }, "expected u32");
  expect_change_refused([](json& t) { t["model"].erase("merges"); }, "Missing vocab/merges");
  expect_change_refused([](json& t) { t["model"]["type"] = "scored"; }, "did not match");
  expect_change_refused([](json& t) { t["normalizer"] = {{"type", "Upside"}}; }, "did not match");
}

TEST_F(TokenizerErrors, APanicOfTheCrateIsAnError) {
  const Tokenizer tokenizer = load_changed(
      [](json& t) { t["post_processor"]["single"][0]["SpecialToken"]["id"] = "<not defined>"; });
  testing::internal::CaptureStderr();
  for (int i = 0; i < 2; ++i) {  // and the tokenizer can still be used
    EXPECT_THAT([&] { tokenizer.encode("text", 10); },
                ThrowsMessage<Error>(HasSubstr("encoding failed: tokenizers panicked: ")));
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(tokenizer.token(0), "<unk>");
}

TEST_F(TokenizerErrors, DropoutDoesNotApply) {
  const Tokenizer plain = load_changed([](json&) {});
  const Tokenizer dropping = load_changed([](json& t) { t["model"]["dropout"] = 0.5; });
  const std::string text = "It's what we'll do with return values of the quick brown fox";
  EXPECT_EQ(dropping.encode(text, 1000).ids, plain.encode(text, 1000).ids);
}

TEST_F(TokenizerErrors, IdsThatDoNotFit) {
  const Tokenizer tokenizer = load_changed(
      [](json& t) { t["post_processor"]["special_tokens"]["<s>"]["ids"] = {4294967295U}; });
  EXPECT_THAT(
      [&] { tokenizer.encode("text", 10); },
      ThrowsMessage<Error>(HasSubstr("encoding gave id 4294967295, expected ids below 2^31")));
  const Tokenizer large =
      load_changed([](json& t) { t["model"]["vocab"]["never seen"] = 4294967295U; });
  EXPECT_EQ(large.vocab_size(), int64_t{1} << 32);
}

TEST_F(TokenizerErrors, TextThatIsNotUtf8) {
  const Tokenizer tokenizer = Tokenizer::from_file(tokenizer_data_path("prepended.json"));
  const std::pair<std::string, std::string> cases[] = {
      {"abc\xFFz", "byte 3 (0xff)"},        // never a lead byte
      {"\xC3", "byte 0 (0xc3)"},            // cut off
      {"é\xC0\xAF", "byte 2 (0xc0)"},       // overlong
      {"12\xED\xA0\x80", "byte 2 (0xed)"},  // a surrogate
      {"\xF4\x90\x80\x80", "byte 0 (0xf4)"},
  };
  for (const auto& wrong : cases) {
    EXPECT_THAT([&] { tokenizer.encode(wrong.first, 10); },
                ThrowsMessage<Error>(HasSubstr("text is not UTF-8: " + wrong.second)));
  }
  EXPECT_FALSE(tokenizer.encode(std::string_view("a\0b", 3), 10).ids.empty());
}

// The ids are those of transformers 5.1.0.
TEST_F(TokenizerErrors, TokensOfTheConfigurationAreAppended) {
  write("tokenizer.json", read_tokenizer_data("three_digits_bytes.json").dump());
  const std::string text = "ab<|new|>cd<|gap|>e";
  const auto without = load();
  EXPECT_GT(without.encode(text, 100).ids.size(), 10U);
  write("tokenizer_config.json",
        R"({"added_tokens_decoder": {"0": {"content": "<s>", "special": true},
            "700": {"content": "<|new|>", "special": true, "normalized": false},
            "705": {"content": "<|gap|>", "special": true, "normalized": false}}})");
  const auto with = load();
  EXPECT_EQ(with.encode(text, 100).ids, (std::vector<int32_t>{0, 433, 700, 69, 70, 701, 71}));
  EXPECT_EQ(with.vocab_size(), without.vocab_size() + 2);
  EXPECT_NE(with.identity(), without.identity());
  write("tokenizer_config.json",
        R"({"added_tokens_decoder": {"0": {"content": "<s>", "special": true}}})");
  EXPECT_EQ(load().identity(), without.identity());
  for (const char* wrong : {R"({"x": {"content": "<new>"}})", R"({"7": "<new>"})", "[]"}) {
    write("tokenizer_config.json", fmt::format(R"({{"added_tokens_decoder": {}}})", wrong));
    EXPECT_THAT([&] { load(); },
                ThrowsMessage<Error>(HasSubstr("tokenizer_config.json: added_tokens_decoder: "
                                               "expected ids with {content, ...}, found ")));
  }
}

// The ids are those of transformers 5.1.0.
TEST_F(TokenizerErrors, SpecialTokensThatTheFileLacksAreAdded) {
  struct Case {
    const char* file;
    const char* content;
    const char* config;
    std::vector<int32_t> ids;
  };
  const std::vector<Case> table = {
      {"", "", "{}", {0, 433, 223, 30, 90, 32, 283, 70, 30, 91, 32, 71}},
      {"",
       "",
       R"({"pad_token": "<y>", "bos_token": null})",
       {0, 433, 223, 30, 90, 32, 283, 70, 700, 71}},
      {"", "", R"({"extra_special_tokens": ["<y>", "<x>"]})", {0, 433, 223, 701, 283, 70, 700, 71}},
      {"",
       "",
       R"({"additional_special_tokens": ["<y>"], "image_token": {"__type": "AddedToken",
           "content": "<x>", "lstrip": true, "rstrip": true, "normalized": false}})",
       {0, 433, 700, 69, 70, 701, 71}},
      {"special_tokens_map.json",
       R"({"bos_token": "<y>"})",
       R"({"bos_token": "<x>"})",
       {0, 433, 223, 30, 90, 32, 283, 70, 700, 71}},
      {"special_tokens_map.json",
       R"({"bos_token": "<y>"})",
       R"({"bos_token": "<x>", "added_tokens_decoder": {}})",
       {0, 433, 223, 700, 283, 70, 30, 91, 32, 71}},
      {"added_tokens.json",
       R"({"<y>": 900})",
       R"({"bos_token": "<x>"})",
       {0, 433, 223, 701, 283, 70, 700, 71}},
      {"",
       "",
       R"({"added_tokens_decoder": {"98": {"content": "b", "rstrip": true, "normalized": false}}})",
       {0, 67, 68, 30, 90, 32, 283, 70, 30, 91, 32, 71}},
  };
  write("tokenizer.json", read_tokenizer_data("three_digits_bytes.json").dump());
  for (const Case& c : table) {
    write("special_tokens_map.json", "{}");
    write("added_tokens.json", "{}");
    if (*c.file != '\0') write(c.file, c.content);
    write("tokenizer_config.json", c.config);
    EXPECT_EQ(load().encode("ab <x> cd<y>e", 100).ids, c.ids) << c.config;
  }
  for (const auto& [config, sentence] :
       {std::pair(R"({"pad_token": 3})", "pad_token: expected a text or {content, ...}, found 3"),
        {R"({"extra_special_tokens": [3]})", "expected a list of tokens, found 3"},
        {R"({"split_special_tokens": true})", "split_special_tokens: expected false, found true"},
        {"[]", "tokenizer_config.json: is not a JSON object"}}) {
    write("tokenizer_config.json", config);
    EXPECT_THAT([&] { load(); }, ThrowsMessage<Error>(HasSubstr(sentence)));
  }
}

TEST_F(TokenizerErrors, TruncationSide) {
  write("tokenizer.json", read_tokenizer_data("digits_bytes.json").dump());
  const auto whole = load().encode("one two three four", 100).ids;
  const std::vector<int32_t> head(whole.begin(), whole.begin() + 3);
  const std::vector<int32_t> tail(whole.end() - 3, whole.end());
  EXPECT_EQ(load().encode("one two three four", 3).ids, head);
  const std::string identity = load().identity();
  write("tokenizer_config.json", R"({"truncation_side": "left"})");
  EXPECT_EQ(load().encode("one two three four", 3).ids, tail);
  EXPECT_NE(load().identity(), identity);
  write("tokenizer_config.json", R"({"truncation_side": "right"})");
  EXPECT_EQ(load().identity(), identity);
  write("tokenizer_config.json", R"({"truncation_side": null})");
  EXPECT_EQ(load().encode("one two three four", 3).ids, head);
  const Tokenizer stored = load_changed([](json& t) {
    t["post_processor"] = nullptr;
    t["truncation"] = {
        {"direction", "Left"}, {"max_length", 2}, {"strategy", "LongestFirst"}, {"stride", 0}};
  });
  EXPECT_EQ(stored.encode("a b c d", 3).ids.back(), stored.encode("a b c d", 100).ids.back());
  write("tokenizer_config.json", R"({"truncation_side": "middle"})");
  EXPECT_THAT([&] { load(); },
              ThrowsMessage<Error>(HasSubstr(
                  "tokenizer_config.json: truncation_side: expected left or right, found middle")));
  write("tokenizer_config.json", "{");
  EXPECT_THAT([&] { load(); },
              ThrowsMessage<Error>(HasSubstr("tokenizer_config.json: is not a JSON object")));
}

}  // namespace
}  // namespace qk
