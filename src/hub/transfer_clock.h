// Watches the bytes of one HTTP exchange: silence, and a body that hardly moves.
#pragma once

#include <chrono>
#include <cstdint>

namespace qk {

class TransferClock {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int64_t kLeastBytesPerSecond = 1000;

  //   idle_timeout  longest time without a byte
  //   slow_time     longest time below kLeastBytesPerSecond while a body is on its way
  explicit TransferClock(std::chrono::milliseconds idle_timeout,
                         std::chrono::milliseconds slow_time = std::chrono::seconds(30));

  // To be called often. received, sent: bytes of the bodies so far. Throws HttpFailure kTimeout,
  // kSlow.
  void tick(int64_t received, int64_t sent, bool is_sending, bool is_receiving,
            Clock::time_point now = Clock::now());

  // Time that we spend with the bytes (a disk that is busy) is not the server's.
  class Pause {
   public:
    explicit Pause(TransferClock& clock) : clock_(clock) {}
    ~Pause() { clock_.skip(Clock::now() - begin_); }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    TransferClock& clock_;
    Clock::time_point begin_ = Clock::now();
  };

 private:
  void skip(Clock::duration time);

  std::chrono::milliseconds idle_timeout_, slow_time_;
  Clock::time_point last_byte_, window_begin_;
  int64_t bytes_ = 0, window_bytes_ = 0;
  bool in_body_ = false;
};

}  // namespace qk
