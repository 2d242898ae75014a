#include "hub/hub_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/stopped.h"
#include "hub/hub_answers.h"
#include "hub/hub_errors.h"
#include "hub/hub_headers.h"
#include "hub/retry_plan.h"

namespace qk {
namespace {

constexpr int kMaxRedirects = 10;
constexpr size_t kMaxPages = 100'000;
constexpr size_t kMostAddressBytes = 8192;  // of a page of a list
constexpr size_t kMostEntries = 2'000'000;  // of a list; repositories have at most 100,000 files
constexpr std::chrono::milliseconds kWaitStep{100};
// The Hub takes up to a minute for a commit: with the default of 10 s, a write may take 90.
constexpr int kWriteTimeouts = 9;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_success(int status) { return status >= 200 && status < 300; }

bool holds(const std::vector<int>& statuses, int status) {
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

// Where an answer sends us; empty: nowhere, it is the answer.
std::string target_of(const HttpResponse& response) {
  const auto location = response.headers.find("Location");
  if (!is_redirect(response.status) || !location) return "";
  return resolve_url(response.url, *location);
}

std::string one_value(const nlohmann::json& value) {
  return printable(value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace), 60);
}

bool is_loopback(const std::string& origin) {
  const std::string_view host = std::string_view(origin).substr(origin.find("://") + 3);
  return host.starts_with("localhost:") || host.starts_with("127.") || host.starts_with("[::1]:");
}

std::string seconds_text(std::chrono::milliseconds time) {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds < 10 ? fmt::format("{:.1f} s", seconds) : fmt::format("{:.0f} s", seconds);
}

}  // namespace

HubClient::HubClient(HubSettings settings, std::unique_ptr<HttpClient> http,
                     const std::atomic<bool>* stop, std::function<void(const std::string&)> note,
                     RetryTimes times)
    : settings_(std::move(settings)),
      http_(std::move(http)),
      stop_(stop),
      note_(std::move(note)),
      times_(times) {}

HubClient::~HubClient() = default;

void HubClient::note(const std::string& sentence) const {
  const std::lock_guard guard(note_mutex_);
  if (note_) note_(settings_.token.removed_from(sentence));
}

void HubClient::warn_of_plain_http() {
  const std::string origin = origin_of(settings_.endpoint);
  if (!origin.starts_with("http://") || is_loopback(origin) || warned_.exchange(true)) return;
  note(
      fmt::format("hub: the token from {} goes to {} without encryption: everyone on the way can "
                  "read it; set HF_ENDPOINT to an https address if there is one",
                  settings_.token_origin, origin));
}

void HubClient::wait(std::chrono::milliseconds time, const std::string& sentence,
                     const std::function<void()>& check) {
  const auto now = std::chrono::steady_clock::now();
  bool is_shown = false;  // many transfers that wait for the same need one sentence
  {
    const std::lock_guard guard(note_mutex_);
    is_shown = now < noted_until_;
    noted_until_ = std::max(noted_until_, now + time);
  }
  if (!is_shown) note(sentence);
  wait_or_stop(time, stop_, check);
}

HttpResponse HubClient::try_often(Retry retry, const std::string& subject,
                                  const std::function<HttpResponse()>& attempt,
                                  const std::function<void()>& check,
                                  const std::function<bool()>& progressed,
                                  const std::vector<int>& expected) {
  thread_local std::minstd_rand random(std::random_device{}());
  for (int tries = 1;; ++tries) {
    std::string reason;
    std::optional<std::chrono::seconds> asked;
    const auto may_go_on = [&] {
      if (progressed && progressed()) tries = 1;
      return tries <= times_.max_retries;
    };
    try {
      HttpResponse response = attempt();
      const bool is_answer = response.status != 409 && holds(expected, response.status);
      if (is_answer || !may_retry(retry, response) || !may_go_on()) return response;
      reason = fmt::format("status {}", response.status);
      asked = asked_wait(response, std::chrono::system_clock::now());
    } catch (const HttpFailure& failure) {
      if (!may_retry(retry, failure) || !may_go_on()) {
        throw error_of_failure(settings_, subject, failure);
      }
      reason = failure.what();
    }
    const std::chrono::milliseconds time = retry_wait(times_, tries, asked, random);
    wait(time,
         asked ? fmt::format("{}: the Hub asks to wait {} ({}); trying again then", subject,
                             seconds_text(time), reason)
               : fmt::format("{}: {}; trying again in {}", subject, reason, seconds_text(time)),
         check);
  }
}

HttpResponse HubClient::send_once(const HubCall& call, const std::string& method,
                                  const std::string& url) {
  HttpRequest request;
  request.method = method;
  request.url = url;
  request.headers = call.headers;
  request.with_token = sends_token(settings_, call);
  request.check = call.check;
  request.idle_timeout =
      method == "GET" ? settings_.metadata_timeout : settings_.download_timeout * kWriteTimeouts;
  if (!call.content_type.empty() && method == call.method) {
    request.headers.push_back({"Content-Type", call.content_type});
    request.body = call.body;
  }
  return http_->send(request);
}

HttpResponse HubClient::call(const HubCall& call) {
  const std::string subject = subject_of(call);
  if (settings_.offline) {
    throw HubError(HubFault::kOffline,
                   subject +
                       ": the Hub is not asked, as HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) "
                       "is set: unset it");
  }
  const bool is_whole = call.path.starts_with("http://") || call.path.starts_with("https://");
  std::string url = is_whole ? call.path : settings_.endpoint + call.path;
  std::string method = call.method;
  const std::string origin = origin_of(url);
  if (sends_token(settings_, call)) warn_of_plain_http();
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    const HttpResponse response = try_often(
        call.retry, subject, [&] { return send_once(call, method, url); }, call.check, {},
        call.expected);
    const std::string target = at_endpoint(settings_, target_of(response));
    if (target.empty()) {
      if (is_success(response.status) || holds(call.expected, response.status)) return response;
      refuse(call, response);
    }
    if (origin_of(target) != origin) {
      throw HubError(
          HubFault::kBadAnswer,
          fmt::format("{}: the Hub at {} sends to another server, {}: set HF_ENDPOINT to "
                      "that address if it is the Hub",
                      subject, origin, printable(settings_.token.removed_from(origin_of(target)))));
    }
    if (response.status == 303) method = "GET";
    url = target;
  }
  throw HubError(HubFault::kBadAnswer,
                 fmt::format("{}: the Hub sends from address to address, more than {} times",
                             subject, kMaxRedirects));
}

HubError HubClient::bad_answer(const HubCall& call, const std::string& what) const {
  return {HubFault::kBadAnswer, fmt::format("{}: the Hub's answer cannot be used: {}",
                                            subject_of(call), settings_.token.removed_from(what))};
}

nlohmann::json HubClient::parsed(const HubCall& call, const HttpResponse& response) const {
  try {
    return parse_answer(response.body);
  } catch (const Error& error) {
    const std::string address = response.url.substr(0, response.url.find('?'));
    throw bad_answer(call, fmt::format("{} ({}, status {})", error.what(), printable(address, 300),
                                       response.status));
  }
}

nlohmann::json HubClient::json(const HubCall& call) { return parsed(call, this->call(call)); }

nlohmann::json HubClient::json_pages(const HubCall& call) {
  nlohmann::json all = nlohmann::json::array();
  HubCall page = call;
  std::set<std::string> seen;
  while (true) {
    const HttpResponse response = this->call(page);
    nlohmann::json entries = parsed(page, response);
    if (!entries.is_array()) throw bad_answer(call, "expected a list, found " + one_value(entries));
    for (nlohmann::json& entry : entries) all.push_back(std::move(entry));
    if (all.size() > kMostEntries) {
      throw bad_answer(call, fmt::format("a list of more than {} entries", kMostEntries));
    }
    const auto link = response.headers.find("Link");
    const auto next = link ? next_of_link(*link) : std::nullopt;
    if (!next) return all;
    page.path = at_endpoint(settings_, resolve_url(response.url, *next));
    if (page.path.size() > kMostAddressBytes) {
      throw bad_answer(call, fmt::format("the list goes on at an address of {} bytes, more than {}",
                                         page.path.size(), kMostAddressBytes));
    }
    if (origin_of(page.path) != origin_of(response.url)) {
      throw bad_answer(
          call, "the list goes on at another server, " + printable(origin_of(page.path), 300));
    }
    if (!seen.insert(page.path).second) {
      throw bad_answer(call, "the list has no end: its pages lead to each other");
    }
    if (seen.size() > kMaxPages) {
      throw bad_answer(call, fmt::format("a list of more than {} pages", kMaxPages));
    }
  }
}

HttpResponse HubClient::with_retries(const std::string& what,
                                     const std::function<HttpResponse()>& attempt,
                                     const std::function<void()>& check,
                                     const std::function<bool()>& progressed) {
  return try_often(Retry::kIdempotent, what, attempt, check, progressed, {});
}

void HubClient::refuse(const HubCall& call, const HttpResponse& response) const {
  throw error_of_answer(settings_, call, response);
}

std::string at_endpoint(const HubSettings& settings, const std::string& url) {
  const std::string hub = HubSettings().endpoint;
  if (settings.endpoint == hub || !(url == hub || url.starts_with(hub + "/"))) return url;
  return settings.endpoint + url.substr(hub.size());
}

void wait_or_stop(std::chrono::milliseconds time, const std::atomic<bool>* stop,
                  const std::function<void()>& check) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (true) {
    if (stop != nullptr && stop->load()) throw Stopped();
    if (check) check();
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= std::chrono::steady_clock::duration::zero()) return;
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(left, kWaitStep));
  }
}

}  // namespace qk
