// For tests only: an HttpClient that answers from a list, and remembers what it was asked.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "hub/hub_client.h"

namespace qk {

inline HttpResponse test_response(int status, std::string body = "",
                                  const std::vector<HttpHeader>& headers = {}) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  for (const HttpHeader& header : headers) response.headers.add(header.name, header.value);
  return response;
}

class TestHttp final : public HttpClient {
 public:
  using Reply = std::variant<HttpResponse, HttpFailure>;

  explicit TestHttp(std::deque<Reply>* replies, std::vector<HttpRequest>* requests)
      : replies_(replies), requests_(requests) {}
  HttpResponse send(const HttpRequest& request) override {
    requests_->push_back(request);
    if (replies_->empty()) {
      ADD_FAILURE() << "one request too many: " << request.method << " " << request.url;
      throw HttpFailure(HttpFault::kOther, "no reply");
    }
    const Reply reply = replies_->front();
    if (replies_->size() > 1 || !repeats_last) replies_->pop_front();
    if (const auto* failure = std::get_if<HttpFailure>(&reply)) throw HttpFailure(*failure);
    HttpResponse response = std::get<HttpResponse>(reply);
    response.url = request.url;
    return response;
  }

  bool repeats_last = false;

 private:
  std::deque<Reply>* replies_;
  std::vector<HttpRequest>* requests_;
};

// A HubClient whose waits last no time.
struct TestHub {
  explicit TestHub(std::deque<TestHttp::Reply> replies_in, bool repeats_last = false,
                   HubSettings settings_in = {})
      : replies(std::move(replies_in)), settings(std::move(settings_in)) {
    if (settings.token_origin.empty()) {
      settings.token = Token("hf_topsecrettoken");
      settings.token_origin = "HF_TOKEN";
    }
    auto http = std::make_unique<TestHttp>(&replies, &requests);
    http->repeats_last = repeats_last;
    RetryTimes times;
    times.first = times.longest = times.longest_asked = std::chrono::milliseconds(0);
    client = std::make_unique<HubClient>(
        settings, std::move(http), &stop,
        [this](const std::string& note) { notes.push_back(note); }, times);
  }

  std::deque<TestHttp::Reply> replies;
  HubSettings settings;
  std::vector<HttpRequest> requests;
  std::vector<std::string> notes;
  std::atomic<bool> stop = false;
  std::unique_ptr<HubClient> client;
};

inline const Repo kTestRepo{RepoKind::kDataset, "org/data"};

inline HubCall test_call(const std::string& file = "") {
  HubCall call;
  call.path = "/api/x?q=1";
  call.repo = kTestRepo;
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

}  // namespace qk
