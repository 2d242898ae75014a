#include "hub/hub_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/test_error.h"
#include "base/test_folder.h"

namespace qk {
namespace hub_settings_test {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kNames[] = {"HF_ENDPOINT",
                                  "HF_HOME",
                                  "HF_HUB_CACHE",
                                  "HUGGINGFACE_HUB_CACHE",
                                  "XDG_CACHE_HOME",
                                  "HF_TOKEN",
                                  "HUGGING_FACE_HUB_TOKEN",
                                  "HF_TOKEN_PATH",
                                  "HF_HUB_OFFLINE",
                                  "TRANSFORMERS_OFFLINE",
                                  "HF_HUB_DISABLE_IMPLICIT_TOKEN",
                                  "HF_HUB_ETAG_TIMEOUT",
                                  "HF_HUB_DOWNLOAD_TIMEOUT",
                                  "HF_HUB_DISABLE_SYMLINKS",
                                  "HF_HUB_DISABLE_PROGRESS_BARS"};

// An environment with nothing but these, while the test runs.
class HubSettingsTest : public testing::Test {
 protected:
  HubSettingsTest() {
    for (const char* name : kNames) {
      const char* value = ::getenv(name);
      if (value != nullptr) before_[name] = value;
      ::unsetenv(name);
    }
    ::setenv("HF_HOME", folder_.path().c_str(), 1);
  }
  ~HubSettingsTest() override {
    for (const char* name : kNames) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }

  TestFolder folder_;
  std::map<std::string, std::string> before_;
};

TEST_F(HubSettingsTest, Defaults) {
  const HubSettings settings = read_hub_settings();
  EXPECT_EQ(settings.endpoint, "https://huggingface.co");
  EXPECT_EQ(settings.cache, folder_ / "hub");
  EXPECT_TRUE(settings.token.empty());
  EXPECT_TRUE(settings.sends_token);
  EXPECT_FALSE(settings.offline);
  EXPECT_EQ(settings.metadata_timeout, milliseconds(10'000));
  EXPECT_TRUE(settings.symlinks);
  EXPECT_THAT(settings.user_agent, testing::StartsWith("qkscope/"));
}

// What huggingface_hub 1.4.1 gives for the same text (utils/_auth.py).
TEST_F(HubSettingsTest, TokensAreStrippedAsPythonDoesIt) {
  const std::vector<std::pair<std::string, std::string>> rows = {{"hf_a", "hf_a"},
                                                                 {" hf_a\n", "hf_a"},
                                                                 {"\t hf_a \r\n", "hf_a"},
                                                                 {"hf_\na", "hf_a"},
                                                                 {"hf_\r\nab\n", "hf_ab"},
                                                                 {"\x1f hf_a \x1c\f\v", "hf_a"},
                                                                 {"\n\nhf_a\n\n", "hf_a"},
                                                                 {" \n ", ""},
                                                                 {"", ""}};
  for (const auto& [text, token] : rows) {
    set("HF_TOKEN", text);
    EXPECT_EQ(read_hub_settings().token.reveal(), token) << text;
    set("HF_TOKEN", "");
    folder_.write("token", text);
    EXPECT_EQ(read_hub_settings().token.reveal(), token) << text;
    EXPECT_EQ(read_hub_settings().token_origin, token.empty() ? "" : (folder_ / "token").string());
    folder_.write("token", "");
  }
}

TEST_F(HubSettingsTest, OrderOfTheTokensPlaces) {
  folder_.write("token", "from_file");
  folder_.write("other", "from_other");
  EXPECT_EQ(read_hub_settings().token.reveal(), "from_file");
  set("HF_TOKEN_PATH", "$HF_HOME/other");
  EXPECT_EQ(read_hub_settings().token.reveal(), "from_other");
  set("HUGGING_FACE_HUB_TOKEN", "from_old");
  EXPECT_EQ(read_hub_settings().token.reveal(), "from_old");
  EXPECT_EQ(read_hub_settings().token_origin, "HUGGING_FACE_HUB_TOKEN");
  set("HF_TOKEN", "from_variable");
  EXPECT_EQ(read_hub_settings().token.reveal(), "from_variable");
  EXPECT_EQ(read_hub_settings().token_origin, "HF_TOKEN");
  set("HF_TOKEN", "  ");  // not empty, so the old name is not asked
  EXPECT_EQ(read_hub_settings().token.reveal(), "from_other");
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 0);
}

TEST_F(HubSettingsTest, AProcessWithATokenInItsEnvironmentLeavesNoCore) {
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    ::prctl(PR_SET_DUMPABLE, 1);
    hide_token_from_cores();
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1);
    set(name, "hf_secret");
    hide_token_from_cores();
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 0);
    set(name, "");
  }
}

TEST_F(HubSettingsTest, TextsThatAreNoToken) {
  for (const char* text : {"hf_a b", "hf_\x01", "hf_\xc3\xa4", "a\tb"}) {
    set("HF_TOKEN", text);
    const std::string error = error_of([] { read_hub_settings(); });
    EXPECT_THAT(error, HasSubstr("HF_TOKEN: is no token"));
    EXPECT_THAT(error, Not(HasSubstr("hf_")));
  }
  set("HF_TOKEN", "");
  set("HF_TOKEN_PATH", folder_.path().string());
  EXPECT_THAT(error_of([] { read_hub_settings(); }), HasSubstr("the token in it cannot be read"));
  set("HF_TOKEN_PATH", folder_.write("big", std::string(100'000, 'x')));
  EXPECT_THAT(error_of([] { read_hub_settings(); }), HasSubstr("too large"));
}

TEST_F(HubSettingsTest, Endpoints) {
  for (const auto& [text, endpoint] : std::vector<std::pair<std::string, std::string>>{
           {"", "https://huggingface.co"},
           {"https://hub.example.org/", "https://hub.example.org"},
           {"http://localhost:8000//", "http://localhost:8000"},
           {"https://h/api/hf/", "https://h/api/hf"}}) {
    set("HF_ENDPOINT", text);
    EXPECT_EQ(read_hub_settings().endpoint, endpoint);
  }
  for (const char* text : {"hub.example.org", "ftp://h", "/", "https://h?x=1", "https://h#f"}) {
    set("HF_ENDPOINT", text);
    EXPECT_THAT(error_of([] { read_hub_settings(); }), testing::StartsWith("HF_ENDPOINT: "))
        << text;
  }
  for (const char* text : {"https://user:secret@h", "https://secret@h/x", "user:secret@h"}) {
    set("HF_ENDPOINT", text);
    const std::string error = error_of([] { read_hub_settings(); });
    EXPECT_THAT(error, HasSubstr("holds a user name or a password"));
    EXPECT_THAT(error, Not(HasSubstr("secret")));
  }
}

TEST_F(HubSettingsTest, SwitchesAndTimes) {
  for (const auto& [text, is_on] : std::vector<std::pair<std::string, bool>>{{"1", true},
                                                                             {"on", true},
                                                                             {"Yes", true},
                                                                             {"TRUE", true},
                                                                             {"0", false},
                                                                             {"2", false},
                                                                             {"y", false},
                                                                             {"", false}}) {
    for (const char* name : {"HF_HUB_OFFLINE", "HF_HUB_DISABLE_SYMLINKS",
                             "HF_HUB_DISABLE_IMPLICIT_TOKEN", "HF_HUB_DISABLE_PROGRESS_BARS"}) {
      set(name, text);
    }
    const HubSettings settings = read_hub_settings();
    EXPECT_EQ(settings.offline, is_on) << text;
    EXPECT_EQ(settings.symlinks, !is_on);
    EXPECT_EQ(settings.sends_token, !is_on);
    EXPECT_EQ(settings.progress, !is_on);
  }
  set("TRANSFORMERS_OFFLINE", "1");
  EXPECT_TRUE(read_hub_settings().offline);
  set("HF_HUB_OFFLINE", "0");
  EXPECT_FALSE(read_hub_settings().offline);
  set("HF_HUB_ETAG_TIMEOUT", "3");
  set("HF_HUB_DOWNLOAD_TIMEOUT", "0.25");
  EXPECT_EQ(read_hub_settings().metadata_timeout, milliseconds(3000));
  EXPECT_EQ(read_hub_settings().download_timeout, milliseconds(250));
  set("HF_HUB_ETAG_TIMEOUT", "0");
  EXPECT_EQ(read_hub_settings().metadata_timeout, milliseconds(10'000));
  for (const char* text : {"-1", "ten", "nan", "5s"}) {
    set("HF_HUB_ETAG_TIMEOUT", text);
    EXPECT_THAT(error_of([] { read_hub_settings(); }),
                HasSubstr(std::string("HF_HUB_ETAG_TIMEOUT: '") + text + "'"));
  }
}

TEST(Token, IsRemovedWholeOrCut) {
  const Token token("hf_abcdefghijklmnop");
  EXPECT_EQ(token.removed_from("a hf_abcdefghijklmnop b hf_abcdefghijklmnop"), "a *** b ***");
  EXPECT_EQ(token.removed_from("cut: hf_abcdefgh..."), "cut: ***...");
  EXPECT_EQ(token.removed_from("hf_abc"), "hf_abc");
  EXPECT_EQ(Token("*").removed_from("a*b"), "a*b");
  EXPECT_EQ(Token("****").removed_from("********"), "******");
  EXPECT_EQ(Token().removed_from("text"), "text");
}

}  // namespace hub_settings_test
}  // namespace qk
