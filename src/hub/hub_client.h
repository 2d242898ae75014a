// The Hub as a server: sends calls, follows its redirects, waits and tries again where that is
// right, and turns what remains into one sentence. docs/reliability.md, "Faults of the Hub".
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "hub/http_client.h"
#include "hub/hub_settings.h"
#include "hub/repo.h"

namespace qk {

enum class HubFault : uint8_t {
  kOffline,       // HF_HUB_OFFLINE
  kUnreachable,   // no answer, after all tries
  kTimedOut,      // 408, 504, 524, or no answer to what was sent, after all tries
  kUnavailable,   // 429, other 5xx, after all tries
  kBadToken,      // 401 with a token that the Hub does not know
  kNoAccess,      // 401 without a token, 403
  kGated,         // the page of the repository must be visited first
  kDisabled,      // by the Hub
  kRepoNotFound,  // or private
  kRevisionNotFound,
  kEntryNotFound,
  kConflict,   // 409
  kMoved,      // 412: parentCommit is not the head
  kTooLarge,   // 413
  kBadAnswer,  // HTML, broken JSON, a field missing, endless redirects
  kRefused,    // any other 4xx: the Hub's own words
};

// Whether there was no answer at all: asking something else will not help either.
inline bool is_silence(HubFault fault) {
  return fault == HubFault::kUnreachable || fault == HubFault::kTimedOut;
}

// One sentence that says what to do.
class HubError : public Error {
 public:
  HubError(HubFault fault, const std::string& sentence) : Error(sentence), fault_(fault) {}
  HubFault fault() const { return fault_; }

 private:
  HubFault fault_;
};

// How often, and what counts as transient. Waits are bounded, jittered and shown.
enum class Retry : uint8_t {
  kIdempotent,  // 5 more tries: no answer, 408, 429, 5xx
  kCommit,      // only what the Hub surely did not do: 429, 503, no connection; 409 "in progress"
  kNever,
};

// Waits between tries: first, doubled each time up to longest; what the Hub asks for up to
// longest_asked. Each is a little longer by chance.
struct RetryTimes {
  int max_retries = 5;
  std::chrono::milliseconds first{1'000}, longest{8'000};
  std::chrono::milliseconds longest_asked{15 * 60'000};
};

struct HubCall {
  std::string method = "GET";
  std::string path;  // "/api/whoami-v2", after the endpoint; or a whole address
  std::vector<HttpHeader> headers{};
  std::string body{};  // sent if content_type is not empty
  std::string content_type{};
  Retry retry = Retry::kIdempotent;
  bool writes = false;             // needs the token, even with HF_HUB_DISABLE_IMPLICIT_TOKEN
  std::optional<Repo> repo{};      // what the call is about, for messages
  std::string revision{}, file{};  // likewise
  std::vector<int> expected{};     // statuses besides 2xx that are answers, not errors
  std::function<void()> check{};   // called often, also while waiting; what it throws ends the call
};

class HubClient {
 public:
  // note: whole sentences for the user while waiting ("the Hub asks to wait 55 s (429)").
  HubClient(HubSettings settings, std::unique_ptr<HttpClient> http,
            const std::atomic<bool>* stop = nullptr,
            std::function<void(const std::string&)> note = {}, RetryTimes times = {});
  ~HubClient();

  const HubSettings& settings() const { return settings_; }
  HttpClient& http() { return *http_; }
  const std::atomic<bool>* stop() const { return stop_; }
  const RetryTimes& times() const { return times_; }
  // From one thread at a time.
  void note(const std::string& sentence) const;

  // Follows redirects within the endpoint's origin (renamed repositories, resolve-cache), at most 10.
  // Throws HubError, Stopped.
  HttpResponse call(const HubCall& call);
  // call(), whose body must be JSON. Throws HubError (kBadAnswer: names address and first bytes).
  nlohmann::json json(const HubCall& call);
  // All pages of a list: follows Link rel="next" within the endpoint's origin.
  nlohmann::json json_pages(const HubCall& call);

  // For transfers outside call(): repeats `attempt` as Retry::kIdempotent says while it throws a
  // transient HttpFailure or returns a status of that kind; `progressed` says whether bytes arrived
  // since the last try, which starts the count anew. check() is called often while waiting; what it
  // throws ends the wait.
  HttpResponse with_retries(const std::string& what, const std::function<HttpResponse()>& attempt,
                            const std::function<void()>& check,
                            const std::function<bool()>& progressed = {});
  // The error of an answer that is not one: HubError by status and X-Error-Code.
  [[noreturn]] void refuse(const HubCall& call, const HttpResponse& response) const;
  // kBadAnswer: an answer of success that does not hold what it should.
  HubError bad_answer(const HubCall& call, const std::string& what) const;

 private:
  HttpResponse try_often(Retry retry, const std::string& subject,
                         const std::function<HttpResponse()>& attempt,
                         const std::function<void()>& check,
                         const std::function<bool()>& progressed, const std::vector<int>& expected);
  // Shows the sentence, unless a wait that was shown lasts longer.
  void wait(std::chrono::milliseconds time, const std::string& sentence,
            const std::function<void()>& check);
  HttpResponse send_once(const HubCall& call, const std::string& method, const std::string& url);
  nlohmann::json parsed(const HubCall& call, const HttpResponse& response) const;
  void warn_of_plain_http();

  HubSettings settings_;
  std::unique_ptr<HttpClient> http_;
  const std::atomic<bool>* stop_;
  std::function<void(const std::string&)> note_;
  RetryTimes times_;
  std::atomic<bool> warned_ = false;
  mutable std::mutex note_mutex_;
  std::chrono::steady_clock::time_point noted_until_;  // a wait that was shown ends then
};

// A mirror of the Hub (HF_ENDPOINT) passes on addresses as the Hub writes them: those at
// https://huggingface.co are at the mirror. Others stay as they are.
std::string at_endpoint(const HubSettings& settings, const std::string& url);

// Sleeps, in steps of at most 0.1 s, and calls check() before each. Throws Stopped, and what check()
// throws.
void wait_or_stop(std::chrono::milliseconds time, const std::atomic<bool>* stop,
                  const std::function<void()>& check = {});

}  // namespace qk
