#include "hub/retry_plan.h"

#include <gtest/gtest.h>

#include <vector>

#include "hub/test_http.h"

namespace qk {
namespace retry_plan_test {

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

}  // namespace retry_plan_test
}  // namespace qk
