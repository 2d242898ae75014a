#include "yaml/token_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/test_error.h"
#include "yaml/overrides.h"

namespace qk {
namespace token_check_test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kToken = "hf_" + std::string(17, 'a') + std::string(17, 'Z');

std::string fault_of(const std::string& text) {
  return error_of([&] { parse_yaml(text, "run.yaml"); });
}

TEST(TokenCheck, FindsATokenEverywhere) {
  const std::vector<std::string> texts = {
      "a: 1\nb:\n  c: T\n",
      "a: 1\nb: [x, 'y', \"T\"]\n",
      "a: 1\nb: {c: [{d: T}]}\n",
      "a: 1\nT: 1\n",
      "a: 1\nb: https://user:T@huggingface.co/x\n",
      "a: 1  # b\n# my token is T\nb: 1\n",
      "a: 1\nb: |\n  text\n  T\n",
      "a: 1\nb: &T c\n",
      "a: 1\nb: !!T c\n",
      "a: 1\nb: *T\n",
      "a: [1\nT\n",
      "a: 1\nb: T\nb: T\n",
  };
  for (const std::string& pattern : texts) {
    for (const std::string& token : {kToken, "api_org_" + std::string(34, 'x'),
                                     std::string("hf_oauth_eyJhbGciOi.JFZERTQS-x_y"),
                                     std::string("hf_jwt_eyJhbGciOi.JFZERTQSJ9")}) {
      std::string text = pattern;
      for (size_t at = 0; (at = text.find('T', at)) != std::string::npos; at += token.size()) {
        text.replace(at, 1, token);
      }
      EXPECT_THAT(fault_of(text), AllOf(testing::StartsWith("run.yaml:"),
                                        HasSubstr("looks like a token of the Hugging Face Hub"),
                                        HasSubstr("set HF_TOKEN"), Not(HasSubstr(token.substr(8)))))
          << text;
    }
  }
  EXPECT_THAT(fault_of("a: 1\nb: " + kToken), testing::StartsWith("run.yaml:2: "));
}

TEST(TokenCheck, FindsATokenThatOnlyTheValueShows) {
  EXPECT_THAT(fault_of("a: \"hf_\\x61" + std::string(33, 'b') + "\""),
              HasSubstr("run.yaml:1: holds"));
  EXPECT_THAT(fault_of("a: \"hf_aaaa\\\n  " + std::string(30, 'b') + "\""),
              HasSubstr("run.yaml:1: "));
}

TEST(TokenCheck, RefusesKeysOfTokens) {
  for (const std::string key :
       {"token", "hf_token", "HF_TOKEN", "use_auth_token", "Api-Key", "hub_token", "password"}) {
    for (const std::string value : {"secret7", "\"secret7\"", "[secret7]", "{a: secret7}", "77",
                                    "${HF_TOKEN}", "|\n    secret7"}) {
      const std::string error = fault_of("output:\n  " + key + ": " + value + "\n");
      EXPECT_THAT(error,
                  AllOf(testing::StartsWith("run.yaml:2: output." + key + ": a token has no"),
                        Not(HasSubstr("secret7"))))
          << value;
    }
    for (const std::string value : {"", "null", "true", "false", "''"}) {
      EXPECT_EQ(fault_of("output:\n  " + key + ": " + value + "\n"), "") << value;
    }
  }
}

TEST(TokenCheck, LeavesOtherTextsAlone) {
  for (const std::string text :
       {"hf_repo_id: viktoroo/qk-data", "hf_branch: my_branch", "tokenizer: {name: x}",
        "a: hf_short", "a: /data/hf_home/hf_checkpoints",
        "a: shf_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a: hf_internal_testing_of_models_and_more",
        "token_strings: [a]", "a: hf_"}) {
    EXPECT_EQ(fault_of(text), "") << text;
  }
}

TEST(TokenCheck, HoldsForOverridesToo) {
  const auto fault = [](const std::string& text) {
    YamlValue tree = parse_yaml("output: {a: 1}", "run.yaml");
    return error_of([&] { apply_override(tree, text); });
  };
  for (const std::string& text :
       {"output.a=" + kToken, "output.a=[x, {y: " + kToken + "}]", kToken + "=1", kToken,
        "output." + kToken + "=2", "output.a={b: [" + kToken}) {
    EXPECT_THAT(fault(text), AllOf(testing::StartsWith("--set"), HasSubstr("looks like a token"),
                                   Not(HasSubstr("aaaZ"))))
        << text;
  }
  for (const std::string text :
       {"token=secret7", "output.hf_token=secret7", "a.token.b=secret7", "output={token: secret7}",
        "output={a: {'HF-Token' : secret7}}", "output={b: [{\"token\": secret7}",
        "output={token: [secret7", "token=[secret7", "hf_token='secret7"}) {
    EXPECT_THAT(fault(text), AllOf(testing::StartsWith("--set "), Not(HasSubstr("secret7"))))
        << text;
  }
  EXPECT_EQ(fault("output.hf_token=null"), "");
  EXPECT_EQ(fault("output.use_auth_token=true"), "");
  EXPECT_EQ(fault("output.a=hf_short"), "");
}

}  // namespace token_check_test
}  // namespace qk
