#include "hub/hub_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/stopped.h"
#include "hub/test_http.h"

namespace qk {
namespace hub_client_test {

using testing::HasSubstr;
using testing::Not;
using Replies = std::deque<TestHttp::Reply>;

bool is_late(int status) { return status == 408 || status == 504 || status == 524; }

TEST(HubClient, TransientFaultsAreTriedSixTimes) {
  for (const int status : {408, 429, 500, 502, 503, 504, 524}) {
    TestHub hub({test_response(status)}, true);
    EXPECT_EQ(hub_error([&] { hub.client->call(test_call()); }).fault(),
              is_late(status) ? HubFault::kTimedOut : HubFault::kUnavailable);
    EXPECT_EQ(hub.requests.size(), 6) << status;
  }
  for (const int status : {400, 401, 403, 404, 409, 412, 413, 501}) {
    TestHub hub({test_response(status)}, true);
    hub_error([&] { hub.client->call(test_call()); });
    EXPECT_EQ(hub.requests.size(), 1) << status;
  }
  for (const HttpFault fault : {HttpFault::kResolve, HttpFault::kConnect, HttpFault::kTimeout,
                                HttpFault::kSlow, HttpFault::kInterrupted}) {
    TestHub hub({HttpFailure(fault, "host: gone")}, true);
    const HubError error = hub_error([&] { hub.client->call(test_call()); });
    const bool is_late = fault == HttpFault::kTimeout || fault == HttpFault::kInterrupted;
    EXPECT_EQ(error.fault(), is_late ? HubFault::kTimedOut : HubFault::kUnreachable);
    EXPECT_THAT(error.what(), HasSubstr("hub: org/data@main: host: gone: "));
    EXPECT_THAT(error.what(), HasSubstr("run the same command again"));
    EXPECT_EQ(hub.requests.size(), 6);
  }
  for (const HttpFault fault :
       {HttpFault::kTls, HttpFault::kProxy, HttpFault::kTooLarge, HttpFault::kOther}) {
    TestHub hub({HttpFailure(fault, "host: no")}, true);
    hub_error([&] { hub.client->call(test_call()); });
    EXPECT_EQ(hub.requests.size(), 1);
  }
}

TEST(HubClient, AfterAFaultTheAnswerCounts) {
  TestHub hub({HttpFailure(HttpFault::kInterrupted, "cut"), test_response(503),
               test_response(200, "[1,2]")});
  EXPECT_EQ(hub.client->json(test_call()).size(), 2);
  EXPECT_EQ(hub.requests.size(), 3);
  EXPECT_FALSE(hub.notes.empty());
  EXPECT_THAT(hub.notes[0], HasSubstr("hub: org/data@main: cut; trying again in 0.0 s"));
}

TEST(HubClient, ACommitIsRepeatedOnlyIfItSurelyDidNotHappen) {
  HubCall commit = test_call();
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
  HubCall call = test_call();
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
  hub.client->call(test_call());
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
  EXPECT_THROW(hub.call(test_call()), Stopped);
}

TEST(HubClient, FollowsRedirectsAtTheHub) {
  TestHub hub({test_response(307, "", {{"Location", "/api/y?q=2"}}),
               test_response(308, "", {{"Location", "https://HuggingFace.co:443/api/z"}}),
               test_response(200, "[]")});
  HubCall call = test_call();
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
    const HubError error = hub_error([&] { hub.client->call(test_call()); });
    EXPECT_EQ(error.fault(), HubFault::kBadAnswer) << target;
    EXPECT_THAT(error.what(), Not(HasSubstr("Signature")));
  }
}

TEST(HubClient, RedirectsHaveAnEnd) {
  TestHub hub({test_response(307, "", {{"Location", "/api/x"}})}, true);
  const HubError error = hub_error([&] { hub.client->call(test_call()); });
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
  EXPECT_EQ(hub.client->json_pages(test_call()).dump(), "[1,2]");
  EXPECT_EQ(hub.requests[0].url, "https://mirror.example.org/hf/api/x?q=1");
  EXPECT_EQ(hub.requests[1].url, "https://mirror.example.org/hf/p2");
  EXPECT_EQ(at_endpoint(settings, "https://huggingface.co.evil.org/"),
            "https://huggingface.co.evil.org/");
}

TEST(HubClient, ListsEnd) {
  TestHub loop({test_response(200, "[1]", {{"Link", "</p2>; rel=\"next\""}})}, true);
  EXPECT_THAT(hub_error([&] { loop.client->json_pages(test_call()); }).what(),
              HasSubstr("the list has no end"));
  TestHub growing({test_response(200, "[1]", {{"Link", "<x/y>; rel=\"next\""}})}, true);
  EXPECT_THAT(hub_error([&] { growing.client->json_pages(test_call()); }).what(),
              HasSubstr("an address of 8194 bytes, more than 8192"));
  const std::string cursor = "</p2?cursor=" + std::string(8000, 'c') + ">; rel=\"next\"";
  TestHub long_cursor({test_response(200, "[1]", {{"Link", cursor}}), test_response(200, "[2]")});
  EXPECT_EQ(long_cursor.client->json_pages(test_call()).dump(), "[1,2]");
  TestHub away({test_response(200, "[1]", {{"Link", "<https://other/p2>; rel=next"}})});
  EXPECT_THAT(hub_error([&] { away.client->json_pages(test_call()); }).what(),
              HasSubstr("the list goes on at another server, https://other:443"));
  TestHub object({test_response(200, "{\"a\":1}")});
  EXPECT_THAT(hub_error([&] { object.client->json_pages(test_call()); }).what(),
              HasSubstr("expected a list, found {\"a\":1}"));
}

TEST(HubClient, AnswersThatAreNoJson) {
  for (const std::string body :
       {"<!DOCTYPE html><p>login</p>", "", "{\"a\":", "\xff\xfe", "{} {}"}) {
    TestHub hub({test_response(200, body)});
    const HubError error = hub_error([&] { hub.client->json(test_call()); });
    EXPECT_EQ(error.fault(), HubFault::kBadAnswer);
    EXPECT_THAT(error.what(), HasSubstr("expected JSON, found "));
    EXPECT_THAT(error.what(), HasSubstr("(https://huggingface.co/api/x, status 200)"));
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += '[';
  TestHub hub({test_response(200, deep)});
  EXPECT_EQ(hub_error([&] { hub.client->json(test_call()); }).fault(), HubFault::kBadAnswer);
}

TEST(HubClient, OfflineAsksNothing) {
  HubSettings settings;
  settings.offline = true;
  TestHub hub({}, false, settings);
  const HubError error = hub_error([&] { hub.client->call(test_call()); });
  EXPECT_EQ(error.fault(), HubFault::kOffline);
  EXPECT_THAT(error.what(), HasSubstr("HF_HUB_OFFLINE"));
}

TEST(HubClient, TheTokenIsSentOnlyIfItIsWanted) {
  HubSettings settings;
  settings.sends_token = false;
  TestHub hub({test_response(200)}, true, settings);
  hub.client->call(test_call());
  EXPECT_FALSE(hub.requests.back().with_token);
  HubCall write = test_call();
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
    for (int i = 0; i < 3; ++i) hub.client->call(test_call());
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
  EXPECT_EQ(hub.client->with_retries("file", attempt, {}, [] { return true; }).status, 206);
  EXPECT_EQ(tries, 30);
  tries = 0;
  EXPECT_EQ(hub_error([&] {
              hub.client->with_retries("file", attempt, {}, [] { return false; });
            }).fault(),
            HubFault::kTimedOut);
  EXPECT_EQ(tries, 6);
}

}  // namespace hub_client_test
}  // namespace qk
