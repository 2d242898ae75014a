// Counts what is sent, for the progress line.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>

#include "download/download.h"

namespace qk {

// Threads: any.
class UploadMeter {
 public:
  explicit UploadMeter(std::function<void(const TransferProgress&)> show)
      : show_(std::move(show)) {}

  void expect(int64_t bytes);     // a file
  void skip(int64_t bytes);       // a file that is not sent after all
  void add(int64_t bytes);        // sent
  void take_back(int64_t bytes);  // sent in vain
  void end_file();
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void show_sometimes(Clock::time_point now);
  void show_now(Clock::time_point now);

  std::function<void(const TransferProgress&)> show_;
  std::mutex mutex_;
  TransferProgress progress_{.is_upload = true};
  Clock::time_point begin_ = Clock::now();
  Clock::time_point shown_ = begin_;
  // The rate is that since `rate_begin_`, which follows a few seconds behind.
  Clock::time_point rate_begin_ = begin_;
  int64_t rate_bytes_ = 0;
};

}  // namespace qk
