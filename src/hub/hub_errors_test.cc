#include "hub/hub_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hub/test_http.h"

namespace qk {
namespace hub_errors_test {

using testing::HasSubstr;
using testing::Not;

HubError error_of_reply(const HttpResponse& response, const HubCall& call,
                        HubSettings settings = {}) {
  TestHub hub({response}, true, std::move(settings));
  return hub_error([&] { hub.client->call(call); });
}

HubSettings without_a_token() {
  HubSettings settings;
  settings.token_origin = "none";
  return settings;
}

struct Row {
  int status;
  std::vector<HttpHeader> headers;
  std::string body;
  HubFault fault;
  std::string words;  // of the sentence
};

TEST(HubErrors, EveryRefusalIsASentence) {
  const std::vector<Row> rows = {
      {404,
       {{"X-Error-Code", "RepoNotFound"}},
       "",
       HubFault::kRepoNotFound,
       "hub: org/data@main: there is no dataset of this name, or the account of the token from "
       "HF_TOKEN may not see it"},
      {404,
       {{"X-Error-Code", "RevisionNotFound"}},
       "",
       HubFault::kRevisionNotFound,
       "the repository has no branch, tag or commit 'main'"},
      {404,
       {{"X-Error-Code", "EntryNotFound"}},
       "",
       HubFault::kEntryNotFound,
       "there is no such file at this revision"},
      {404,
       {{"X-Repo-Commit", std::string(40, 'a')}},
       "",
       HubFault::kEntryNotFound,
       "no such file"},
      {401,
       {},
       "{\"error\":\"Invalid credentials in Authorization header\"}",
       HubFault::kBadToken,
       "the Hub does not know the token from HF_TOKEN: make a new one at "
       "https://huggingface.co/settings/tokens"},
      {403,
       {{"X-Error-Code", "GatedRepo"}},
       "",
       HubFault::kGated,
       "open https://huggingface.co/datasets/org/data in a browser and accept the conditions"},
      {403,
       {{"X-Error-Message", "Access to this resource is disabled."}},
       "",
       HubFault::kDisabled,
       "the Hub has disabled this repository"},
      {403,
       {},
       "{\"error\":\"no right\"}",
       HubFault::kNoAccess,
       "the token from HF_TOKEN may not read here"},
      {400,
       {},
       "{\"error\":[\"bad yaml\",\"line 3\"]}",
       HubFault::kRefused,
       "the Hub refused (status 400, 'bad yaml; line 3')"},
      {400,
       {},
       "{\"errors\":[{\"message\":\"one\"},{\"message\":\"two\"}]}",
       HubFault::kRefused,
       "'one; two'"},
      {402, {}, "pay", HubFault::kRefused, "(status 402, 'pay')"},
      {409, {}, "{\"error\":\"exists\"}", HubFault::kConflict, "it is there already"},
      {412, {}, "", HubFault::kMoved, "someone else has committed to the branch meanwhile"},
      {413, {}, "", HubFault::kTooLarge, "more than the Hub takes at once (status 413)"},
      {416, {}, "", HubFault::kRefused, "(status 416)"},
      {429, {}, "", HubFault::kUnavailable, "the Hub takes no more requests for now"},
      {503,
       {{"X-Request-Id", "Root=1-2"}},
       "<html>busy</html>",
       HubFault::kUnavailable,
       "the Hub cannot answer at the moment: run the same command again later (status 503, request "
       "Root=1-2)"},
      {302, {}, "", HubFault::kBadAnswer, "a redirect that leads nowhere"},
  };
  for (const Row& row : rows) {
    const HubError error =
        error_of_reply(test_response(row.status, row.body, row.headers), test_call());
    EXPECT_EQ(error.fault(), row.fault) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(row.words));
    EXPECT_THAT(error.what(), testing::StartsWith("hub: org/data@main: "));
    EXPECT_THAT(error.what(), Not(HasSubstr("q=1")));
  }
}

TEST(HubErrors, WithoutATokenTheSentenceNamesTheVariable) {
  const HubSettings none = without_a_token();
  const HubError missing =
      error_of_reply(test_response(401, "{\"error\":\"Invalid username\"}"), test_call(), none);
  EXPECT_EQ(missing.fault(), HubFault::kRepoNotFound);
  EXPECT_THAT(missing.what(),
              HasSubstr("or it is private: check the name; to use a private one, set "
                        "HF_TOKEN to a token from https://huggingface.co/settings"));
  HubCall write = test_call();
  write.writes = true;
  const HubError denied = error_of_reply(test_response(401), write, none);
  EXPECT_EQ(denied.fault(), HubFault::kNoAccess);
  EXPECT_THAT(denied.what(), HasSubstr("this needs a token, and there is none: set HF_TOKEN"));
  const HubError gated =
      error_of_reply(test_response(401, "", {{"X-Error-Code", "GatedRepo"}}), test_call(), none);
  EXPECT_EQ(gated.fault(), HubFault::kGated);
  EXPECT_THAT(gated.what(), HasSubstr("then set HF_TOKEN to a token of that account"));
}

TEST(HubErrors, EntryNotFoundNamesTheFile) {
  const std::string commit(40, 'b');
  const auto reply = [&](const std::string& text) {
    return test_response(404, "", {{"X-Error-Code", "EntryNotFound"}, {"X-Repo-Commit", text}});
  };
  EXPECT_THAT(error_of_reply(reply(commit), test_call("a/b.json")).what(),
              testing::StartsWith("hub: org/data@main: a/b.json: "));
}

TEST(HubErrors, NeverShowsTheToken) {
  const std::string token = "hf_topsecrettoken";
  const std::vector<HttpResponse> replies = {
      test_response(400, "{\"error\":\"bad header: Bearer " + token + "\"}"),
      test_response(400, "{\"error\":\"hf_top\\u0073ecrettoken\"}"),
      test_response(400, "plain " + token),
      test_response(400, "", {{"X-Error-Message", token}}),
      test_response(400, "", {{"X-Request-Id", token}}),
      test_response(400, std::string(490, 'x') + token),  // cut within it
      test_response(200, "<html>" + token),
      test_response(302, "", {{"Location", "https://" + token + ".example.org/"}}),
  };
  for (const HttpResponse& reply : replies) {
    TestHub hub({reply}, true);
    const HubError error = hub_error([&] { hub.client->json(test_call()); });
    EXPECT_THAT(error.what(), Not(HasSubstr("hf_topse")));
  }
  TestHub hub({HttpFailure(HttpFault::kTls, "oh " + token)});
  EXPECT_THAT(hub_error([&] { hub.client->call(test_call()); }).what(), HasSubstr("oh ***"));
  hub.client->note("at " + token);
  EXPECT_EQ(hub.notes.back(), "at ***");
}

TEST(HubErrors, ControlCharactersAreMadePrintable) {
  const HubError error =
      error_of_reply(test_response(400, "{\"error\":\"a\\u001b[31m\\nb\\u0000\"}"), test_call());
  EXPECT_THAT(error.what(), HasSubstr("'a?[31m b?'"));
}

}  // namespace hub_errors_test
}  // namespace qk
