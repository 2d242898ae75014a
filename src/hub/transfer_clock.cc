#include "hub/transfer_clock.h"

#include <fmt/format.h>

#include "hub/http_client.h"

namespace qk {

TransferClock::TransferClock(std::chrono::milliseconds idle_timeout,
                             std::chrono::milliseconds slow_time)
    : idle_timeout_(idle_timeout),
      slow_time_(slow_time),
      last_byte_(Clock::now()),
      window_begin_(last_byte_) {}

void TransferClock::tick(int64_t received, int64_t sent, bool is_sending, bool is_receiving,
                         Clock::time_point now) {
  const int64_t bytes = received + sent;
  if (bytes != bytes_) last_byte_ = now;
  bytes_ = bytes;
  if (now - last_byte_ >= idle_timeout_) {
    throw HttpFailure(HttpFault::kTimeout,
                      fmt::format("no byte arrived for {:g} s",
                                  std::chrono::duration<double>(idle_timeout_).count()));
  }
  const bool in_body = is_sending || is_receiving;
  if (!in_body || !in_body_) {  // a server may think as long as idle_timeout allows
    in_body_ = in_body;
    window_begin_ = now;
    window_bytes_ = bytes;
    return;
  }
  if (now - window_begin_ < slow_time_) return;
  const double seconds = std::chrono::duration<double>(now - window_begin_).count();
  const double rate = static_cast<double>(bytes - window_bytes_) / seconds;
  if (rate < static_cast<double>(kLeastBytesPerSecond)) {
    throw HttpFailure(
        HttpFault::kSlow,
        fmt::format("only {:.0f} bytes a second arrived for {:.0f} s", rate, seconds));
  }
  window_begin_ = now;
  window_bytes_ = bytes;
}

void TransferClock::skip(Clock::duration time) {
  last_byte_ += time;
  window_begin_ += time;
}

}  // namespace qk
