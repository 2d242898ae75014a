// When to try again, and after how long a wait.
#pragma once

#include <chrono>
#include <optional>
#include <random>

#include "hub/hub_client.h"

namespace qk {

// Whether an answer, or the lack of one, may be followed by another try.
bool may_retry(Retry retry, const HttpResponse& response);
bool may_retry(Retry retry, const HttpFailure& failure);

// Whether a 409 says that another operation of the same kind holds the repository for a moment.
bool is_in_progress(const HttpResponse& response);

// How long the Hub asks to wait: RateLimit with r=0 on a 429, else Retry-After; nothing: it does not.
std::optional<std::chrono::seconds> asked_wait(const HttpResponse& response,
                                               std::chrono::system_clock::time_point now);

// The wait before try number `tries` (1: the second attempt), with jitter.
std::chrono::milliseconds retry_wait(const RetryTimes& times, int tries,
                                     std::optional<std::chrono::seconds> asked,
                                     std::minstd_rand& random);

}  // namespace qk
