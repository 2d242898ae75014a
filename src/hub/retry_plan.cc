#include "hub/retry_plan.h"

#include <algorithm>

#include "hub/hub_errors.h"
#include "hub/hub_headers.h"

namespace qk {
namespace {

bool is_transient(int status) {
  return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

}  // namespace

bool is_in_progress(const HttpResponse& response) {
  if (response.status != 409) return false;
  const std::string words = words_of(response);
  return words.find("in progress") != std::string::npos ||
         words.find("being committed") != std::string::npos;
}

bool may_retry(Retry retry, const HttpResponse& response) {
  if (retry == Retry::kNever) return false;
  if (is_in_progress(response)) return true;
  if (retry == Retry::kCommit) return response.status == 429 || response.status == 503;
  return is_transient(response.status);
}

bool may_retry(Retry retry, const HttpFailure& failure) {
  if (retry == Retry::kNever) return false;
  if (retry == Retry::kIdempotent) return failure.is_transient();
  return failure.fault() == HttpFault::kResolve || failure.fault() == HttpFault::kConnect;
}

std::optional<std::chrono::seconds> asked_wait(const HttpResponse& response,
                                               std::chrono::system_clock::time_point now) {
  if (response.status == 429) {
    if (const auto limit = response.headers.find("RateLimit")) {
      if (const auto wait = wait_of_rate_limit(*limit)) return wait;
    }
  }
  const auto after = response.headers.find("Retry-After");
  return after ? wait_of_retry_after(*after, now) : std::nullopt;
}

std::chrono::milliseconds retry_wait(const RetryTimes& times, int tries,
                                     std::optional<std::chrono::seconds> asked,
                                     std::minstd_rand& random) {
  using std::chrono::milliseconds;
  std::uniform_real_distribution<double> jitter(0, 1);
  if (asked) {
    // A second more, as the Hub counts in whole ones.
    const milliseconds wait = std::min<milliseconds>(*asked + times.first, times.longest_asked);
    return wait + milliseconds(static_cast<int64_t>(jitter(random) * times.first.count()));
  }
  milliseconds wait = times.first;
  for (int i = 1; i < tries && wait < times.longest; ++i) wait *= 2;
  wait = std::min(wait, times.longest);
  return wait + milliseconds(static_cast<int64_t>(jitter(random) * wait.count() / 4));
}

}  // namespace qk
