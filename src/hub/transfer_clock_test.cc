#include "hub/transfer_clock.h"

#include <gtest/gtest.h>

#include <optional>

#include "hub/http_client.h"

namespace qk {
namespace transfer_clock_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The fault that a transfer ends with, and when; bytes_of tells the bytes at each tenth of a second.
template <typename BytesOf>
std::optional<std::pair<HttpFault, double>> outcome(BytesOf bytes_of, bool in_body,
                                                    milliseconds idle = seconds(10)) {
  TransferClock clock(idle);
  const auto begin = TransferClock::Clock::now();
  for (int tenth = 1; tenth < 3000; ++tenth) {
    try {
      clock.tick(bytes_of(tenth / 10.0), 0, false, in_body, begin + milliseconds(100) * tenth);
    } catch (const HttpFailure& failure) {
      return std::pair(failure.fault(), tenth / 10.0);
    }
  }
  return std::nullopt;
}

TEST(TransferClock, SilenceEndsAtTheTimeout) {
  const auto silent = outcome([](double) { return 0; }, false);
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->first, HttpFault::kTimeout);
  EXPECT_NEAR(silent->second, 10, 0.21);
  const auto stops =
      outcome([](double t) { return static_cast<int>(std::min(t, 20.0) * 5000); }, true);
  ASSERT_TRUE(stops);
  EXPECT_EQ(stops->first, HttpFault::kTimeout);
  EXPECT_NEAR(stops->second, 30, 0.21);
}

TEST(TransferClock, LessThanAKilobyteASecondForHalfAMinuteIsSlow) {
  const auto drip = outcome([](double t) { return static_cast<int>(t) * 900; }, true);
  ASSERT_TRUE(drip);
  EXPECT_EQ(drip->first, HttpFault::kSlow);
  EXPECT_NEAR(drip->second, 30, 0.3);
  // A fast begin does not excuse what follows.
  const auto fades = outcome([](double t) { return 1'000'000 + static_cast<int>(t) * 50; }, true);
  ASSERT_TRUE(fades);
  EXPECT_EQ(fades->first, HttpFault::kSlow);
  EXPECT_LE(fades->second, 60.3);
}

TEST(TransferClock, AKilobyteASecondIsEnough) {
  EXPECT_FALSE(outcome([](double t) { return static_cast<int>(t * 1001); }, true));
  // In bursts, too.
  EXPECT_FALSE(outcome([](double t) { return static_cast<int>(t / 9) * 10'000; }, true));
}

TEST(TransferClock, AServerThatThinksIsNotSlow) {
  EXPECT_FALSE(outcome([](double t) { return static_cast<int>(t / 80); }, false, seconds(90)));
}

}  // namespace transfer_clock_test
}  // namespace qk
