#include "hub/hub_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/stopped.h"
#include "hub/retry_plan.h"
#include "hub/test_http.h"

namespace qk {
namespace hub_client_test {

using testing::HasSubstr;
using testing::Not;
using Replies = std::deque<TestHttp::Reply>;

const Repo kRepo{RepoKind::kDataset, "org/data"};

HubCall about(const std::string& file = "") {
  HubCall call;
  call.path = "/api/x?q=1";
  call.repo = kRepo;
  call.revision = "main";
  call.file = file;
  return call;
}

// The error of the call; fails the test if there is none.
template <typename Call>
HubError hub_error(const Call& call) {
  try {
    call();
  } catch (const HubError& error) {
    return error;
  }
  ADD_FAILURE() << "no HubError";
  return {HubFault::kRefused, ""};
}

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

TEST(HubClient, EveryRefusalIsASentence) {
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
        error_of_reply(test_response(row.status, row.body, row.headers), about());
    EXPECT_EQ(error.fault(), row.fault) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(row.words));
    EXPECT_THAT(error.what(), testing::StartsWith("hub: org/data@main: "));
    EXPECT_THAT(error.what(), Not(HasSubstr("q=1")));
  }
}

TEST(HubClient, WithoutATokenTheSentenceNamesTheVariable) {
  const HubSettings none = without_a_token();
  const HubError missing =
      error_of_reply(test_response(401, "{\"error\":\"Invalid username\"}"), about(), none);
  EXPECT_EQ(missing.fault(), HubFault::kRepoNotFound);
  EXPECT_THAT(missing.what(),
              HasSubstr("or it is private: check the name; to use a private one, set "
                        "HF_TOKEN to a token from https://huggingface.co/settings"));
  HubCall write = about();
  write.writes = true;
  const HubError denied = error_of_reply(test_response(401), write, none);
  EXPECT_EQ(denied.fault(), HubFault::kNoAccess);
  EXPECT_THAT(denied.what(), HasSubstr("this needs a token, and there is none: set HF_TOKEN"));
  const HubError gated =
      error_of_reply(test_response(401, "", {{"X-Error-Code", "GatedRepo"}}), about(), none);
  EXPECT_EQ(gated.fault(), HubFault::kGated);
  EXPECT_THAT(gated.what(), HasSubstr("then set HF_TOKEN to a token of that account"));
}

TEST(HubClient, EntryNotFoundKnowsTheCommit) {
  const std::string commit(40, 'b');
  const auto reply = [&](const std::string& text) {
    return test_response(404, "", {{"X-Error-Code", "EntryNotFound"}, {"X-Repo-Commit", text}});
  };
  EXPECT_EQ(error_of_reply(reply(commit), about("a/b.json")).commit, commit);
  EXPECT_EQ(error_of_reply(reply("../../etc"), about("a/b.json")).commit, "");
  EXPECT_THAT(error_of_reply(reply(commit), about("a/b.json")).what(),
              testing::StartsWith("hub: org/data@main: a/b.json: "));
}

TEST(HubClient, NeverShowsTheToken) {
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
    const HubError error = hub_error([&] { hub.client->json(about()); });
    EXPECT_THAT(error.what(), Not(HasSubstr("hf_topse")));
  }
  TestHub hub({HttpFailure(HttpFault::kTls, "oh " + token)});
  EXPECT_THAT(hub_error([&] { hub.client->call(about()); }).what(), HasSubstr("oh ***"));
  hub.client->note("at " + token);
  EXPECT_EQ(hub.notes.back(), "at ***");
}

TEST(HubClient, ControlCharactersAreMadePrintable) {
  const HubError error =
      error_of_reply(test_response(400, "{\"error\":\"a\\u001b[31m\\nb\\u0000\"}"), about());
  EXPECT_THAT(error.what(), HasSubstr("'a?[31m b?'"));
}

TEST(HubClient, TransientFaultsAreTriedSixTimes) {
  for (const int status : {408, 429, 500, 502, 503, 504, 524}) {
    TestHub hub({test_response(status)}, true);
    EXPECT_EQ(hub_error([&] { hub.client->call(about()); }).fault(), HubFault::kUnavailable);
    EXPECT_EQ(hub.requests.size(), 6) << status;
  }
  for (const int status : {400, 401, 403, 404, 409, 412, 413, 501}) {
    TestHub hub({test_response(status)}, true);
    hub_error([&] { hub.client->call(about()); });
    EXPECT_EQ(hub.requests.size(), 1) << status;
  }
  for (const HttpFault fault : {HttpFault::kResolve, HttpFault::kConnect, HttpFault::kTimeout,
                                HttpFault::kSlow, HttpFault::kInterrupted}) {
    TestHub hub({HttpFailure(fault, "host: gone")}, true);
    const HubError error = hub_error([&] { hub.client->call(about()); });
    EXPECT_EQ(error.fault(), HubFault::kUnreachable);
    EXPECT_STREQ(error.what(), "hub: org/data@main: host: gone");
    EXPECT_EQ(hub.requests.size(), 6);
  }
  for (const HttpFault fault :
       {HttpFault::kTls, HttpFault::kProxy, HttpFault::kTooLarge, HttpFault::kOther}) {
    TestHub hub({HttpFailure(fault, "host: no")}, true);
    hub_error([&] { hub.client->call(about()); });
    EXPECT_EQ(hub.requests.size(), 1);
  }
}

TEST(HubClient, AfterAFaultTheAnswerCounts) {
  TestHub hub({HttpFailure(HttpFault::kInterrupted, "cut"), test_response(503),
               test_response(200, "[1,2]")});
  EXPECT_EQ(hub.client->json(about()).size(), 2);
  EXPECT_EQ(hub.requests.size(), 3);
  EXPECT_FALSE(hub.notes.empty());
  EXPECT_THAT(hub.notes[0], HasSubstr("hub: org/data@main: cut; trying again in 0.0 s"));
}

TEST(HubClient, ACommitIsRepeatedOnlyIfItSurelyDidNotHappen) {
  HubCall commit = about();
  commit.retry = Retry::kCommit;
  const auto num_tries = [&](const TestHttp::Reply& reply) {
    TestHub hub({reply}, true);
    hub_error([&] { hub.client->call(commit); });
    return hub.requests.size();
  };
  EXPECT_EQ(num_tries(test_response(429)), 6);
  EXPECT_EQ(num_tries(test_response(503)), 6);
  EXPECT_EQ(num_tries(HttpFailure(HttpFault::kConnect, "x")), 6);
  EXPECT_EQ(num_tries(HttpFailure(HttpFault::kResolve, "x")), 6);
  EXPECT_EQ(num_tries(test_response(409, "{\"error\":\"another commit is in progress\"}")), 6);
  EXPECT_EQ(num_tries(test_response(409, "{\"error\":\"exists\"}")), 1);
  for (const int status : {500, 502, 504, 408}) EXPECT_EQ(num_tries(test_response(status)), 1);
  EXPECT_EQ(num_tries(HttpFailure(HttpFault::kTimeout, "x")), 1);
  EXPECT_EQ(num_tries(HttpFailure(HttpFault::kInterrupted, "x")), 1);
  commit.retry = Retry::kNever;
  EXPECT_EQ(num_tries(test_response(429)), 1);
}

TEST(HubClient, ExpectedStatusesAreAnswers) {
  HubCall call = about();
  call.expected = {409, 500};
  TestHub hub({test_response(409), test_response(500), test_response(409, "in progress"),
               test_response(409)});
  EXPECT_EQ(hub.client->call(call).status, 409);
  EXPECT_EQ(hub.client->call(call).status, 500);
  EXPECT_EQ(hub.client->call(call).status, 409);
  EXPECT_EQ(hub.requests.size(), 4);
}

TEST(HubClient, WhatTheHubAsksToWaitIsShown) {
  Replies replies = {test_response(429, "", {{"RateLimit", "\"api\";r=0;t=55"}}),
                     test_response(200)};
  TestHub hub(replies);
  hub.client->call(about());
  ASSERT_EQ(hub.notes.size(), 1);
  EXPECT_THAT(hub.notes[0], HasSubstr("the Hub asks to wait"));
  EXPECT_THAT(hub.notes[0], HasSubstr("status 429"));
}

TEST(HubClient, AStopEndsAWait) {
  std::deque<TestHttp::Reply> replies = {test_response(503)};
  std::vector<HttpRequest> requests;
  auto http = std::make_unique<TestHttp>(&replies, &requests);
  http->repeats_last = true;
  std::atomic<bool> stop = false;
  RetryTimes times;
  times.first = std::chrono::seconds(100);
  HubClient hub({}, std::move(http), &stop, [&](const std::string&) { stop = true; }, times);
  EXPECT_THROW(hub.call(about()), Stopped);
}

TEST(HubClient, FollowsRedirectsAtTheHub) {
  TestHub hub({test_response(307, "", {{"Location", "/api/y?q=2"}}),
               test_response(308, "", {{"Location", "https://HuggingFace.co:443/api/z"}}),
               test_response(200, "[]")});
  HubCall call = about();
  call.method = "POST";
  call.body = "{}";
  call.content_type = "application/json";
  hub.client->call(call);
  ASSERT_EQ(hub.requests.size(), 3);
  EXPECT_EQ(hub.requests[1].url, "https://huggingface.co/api/y?q=2");
  EXPECT_EQ(hub.requests[2].method, "POST");
  EXPECT_EQ(std::get<std::string>(hub.requests[2].body), "{}");
  TestHub see({test_response(303, "", {{"Location", "/done"}}), test_response(200)});
  see.client->call(call);
  EXPECT_EQ(see.requests[1].method, "GET");
  EXPECT_EQ(see.requests[1].body.index(), 0);
}

TEST(HubClient, DoesNotFollowToAnotherServer) {
  for (const char* target : {"https://cdn.example.org/x?Signature=abc", "http://huggingface.co/x",
                             "//evil.example.org/", "https://huggingface.co:444/", "ftp://h/"}) {
    TestHub hub({test_response(302, "", {{"Location", target}})});
    const HubError error = hub_error([&] { hub.client->call(about()); });
    EXPECT_EQ(error.fault(), HubFault::kBadAnswer) << target;
    EXPECT_THAT(error.what(), Not(HasSubstr("Signature")));
    HubCall head = about();
    head.method = "HEAD";
    TestHub other({test_response(302, "", {{"Location", target}})});
    EXPECT_EQ(other.client->call(head).status, 302);
  }
}

TEST(HubClient, HeadStopsWhereTheAnswerIs) {
  HubCall head = about();
  head.method = "HEAD";
  const std::vector<HttpHeader> linked = {{"Location", "https://huggingface.co/lfs/x"},
                                          {"X-Linked-Etag", "\"a\""}};
  TestHub hub({test_response(302, "", linked)});
  EXPECT_EQ(hub.client->call(head).status, 302);
}

TEST(HubClient, RedirectsHaveAnEnd) {
  TestHub hub({test_response(307, "", {{"Location", "/api/x"}})}, true);
  const HubError error = hub_error([&] { hub.client->call(about()); });
  EXPECT_EQ(error.fault(), HubFault::kBadAnswer);
  EXPECT_THAT(error.what(), HasSubstr("more than 10 times"));
  EXPECT_EQ(hub.requests.size(), 11);
}

TEST(HubClient, AMirrorPassesOnTheHubsAddresses) {
  HubSettings settings;
  settings.endpoint = "https://mirror.example.org/hf";
  TestHub hub({test_response(200, "[1]", {{"Link", "<https://huggingface.co/p2>; rel=\"next\""}}),
               test_response(200, "[2]")},
              false, settings);
  EXPECT_EQ(hub.client->json_pages(about()).dump(), "[1,2]");
  EXPECT_EQ(hub.requests[0].url, "https://mirror.example.org/hf/api/x?q=1");
  EXPECT_EQ(hub.requests[1].url, "https://mirror.example.org/hf/p2");
  EXPECT_EQ(at_endpoint(settings, "https://huggingface.co.evil.org/"),
            "https://huggingface.co.evil.org/");
}

TEST(HubClient, ListsEnd) {
  TestHub loop({test_response(200, "[1]", {{"Link", "</p2>; rel=\"next\""}})}, true);
  EXPECT_THAT(hub_error([&] { loop.client->json_pages(about()); }).what(),
              HasSubstr("the list has no end"));
  TestHub away({test_response(200, "[1]", {{"Link", "<https://other/p2>; rel=next"}})});
  EXPECT_THAT(hub_error([&] { away.client->json_pages(about()); }).what(),
              HasSubstr("the list goes on at another server, https://other:443"));
  TestHub object({test_response(200, "{\"a\":1}")});
  EXPECT_THAT(hub_error([&] { object.client->json_pages(about()); }).what(),
              HasSubstr("expected a list, found {\"a\":1}"));
}

TEST(HubClient, AnswersThatAreNoJson) {
  for (const std::string body :
       {"<!DOCTYPE html><p>login</p>", "", "{\"a\":", "\xff\xfe", "{} {}"}) {
    TestHub hub({test_response(200, body)});
    const HubError error = hub_error([&] { hub.client->json(about()); });
    EXPECT_EQ(error.fault(), HubFault::kBadAnswer);
    EXPECT_THAT(error.what(), HasSubstr("expected JSON, found "));
    EXPECT_THAT(error.what(), HasSubstr("(https://huggingface.co/api/x, status 200)"));
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += '[';
  TestHub hub({test_response(200, deep)});
  EXPECT_EQ(hub_error([&] { hub.client->json(about()); }).fault(), HubFault::kBadAnswer);
}

TEST(HubClient, OfflineAsksNothing) {
  HubSettings settings;
  settings.offline = true;
  TestHub hub({}, false, settings);
  const HubError error = hub_error([&] { hub.client->call(about()); });
  EXPECT_EQ(error.fault(), HubFault::kOffline);
  EXPECT_THAT(error.what(), HasSubstr("HF_HUB_OFFLINE"));
}

TEST(HubClient, TheTokenIsSentOnlyIfItIsWanted) {
  HubSettings settings;
  settings.sends_token = false;
  TestHub hub({test_response(200)}, true, settings);
  hub.client->call(about());
  EXPECT_FALSE(hub.requests.back().with_token);
  HubCall write = about();
  write.writes = true;
  hub.client->call(write);
  EXPECT_TRUE(hub.requests.back().with_token);
}

TEST(HubClient, WarnsOnceOfATokenWithoutEncryption) {
  for (const auto& [endpoint, num_notes] :
       std::vector<std::pair<std::string, size_t>>{{"http://hub.example.org", 1},
                                                   {"https://hub.example.org", 0},
                                                   {"http://localhost:8000", 0},
                                                   {"http://127.0.0.1:8000", 0},
                                                   {"http://[::1]:8000", 0}}) {
    HubSettings settings;
    settings.endpoint = endpoint;
    TestHub hub({test_response(200)}, true, settings);
    for (int i = 0; i < 3; ++i) hub.client->call(about());
    EXPECT_EQ(hub.notes.size(), num_notes) << endpoint;
  }
}

TEST(HubClient, TransfersAreRepeatedWhileBytesArrive) {
  TestHub hub({});
  int tries = 0;
  const auto attempt = [&]() -> HttpResponse {
    if (++tries < 30) throw HttpFailure(HttpFault::kInterrupted, "cut");
    return test_response(206);
  };
  EXPECT_EQ(hub.client->with_retries("file", attempt, [] { return true; }).status, 206);
  EXPECT_EQ(tries, 30);
  tries = 0;
  EXPECT_EQ(
      hub_error([&] { hub.client->with_retries("file", attempt, [] { return false; }); }).fault(),
      HubFault::kUnreachable);
  EXPECT_EQ(tries, 6);
}

TEST(RetryPlan, WaitsDoubleUpToEightSeconds) {
  std::minstd_rand random(1);
  const RetryTimes times;
  const std::vector<int> waits = {1000, 2000, 4000, 8000, 8000};
  for (size_t i = 0; i < waits.size(); ++i) {
    for (int k = 0; k < 100; ++k) {
      const auto wait = retry_wait(times, static_cast<int>(i) + 1, std::nullopt, random);
      EXPECT_GE(wait.count(), waits[i]);
      EXPECT_LE(wait.count(), waits[i] * 5 / 4);
    }
  }
}

TEST(RetryPlan, AskedWaitsAreKeptUpToAQuarterOfAnHour) {
  std::minstd_rand random(1);
  const RetryTimes times;
  const auto wait = [&](int asked) {
    return retry_wait(times, 1, std::chrono::seconds(asked), random);
  };
  EXPECT_GE(wait(55), std::chrono::seconds(56));
  EXPECT_LE(wait(55), std::chrono::seconds(57));
  EXPECT_LE(wait(1 << 30), std::chrono::minutes(15) + std::chrono::seconds(1));
}

TEST(RetryPlan, RateLimitComesBeforeRetryAfter) {
  const auto now = std::chrono::system_clock::from_time_t(1'000'000'000);
  const auto asked = [&](int status, const std::vector<HttpHeader>& headers) {
    return asked_wait(test_response(status, "", headers), now);
  };
  const HttpHeader limit{"ratelimit", "\"api\";r=0;t=55"}, after{"Retry-After", "7"};
  EXPECT_EQ(asked(429, {after, limit}), std::chrono::seconds(55));
  EXPECT_EQ(asked(429, {after}), std::chrono::seconds(7));
  EXPECT_EQ(asked(503, {after, limit}), std::chrono::seconds(7));
  EXPECT_EQ(asked(429, {{"RateLimit", "\"api\";r=3;t=55"}}), std::nullopt);
  EXPECT_EQ(asked(503, {{"Retry-After", "Sun, 09 Sep 2001 01:47:40 GMT"}}),
            std::chrono::seconds(60));
}

}  // namespace hub_client_test
}  // namespace qk
