// Counts what the threads of a transfer move, and reports it (TransferOptions::progress).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "download/download.h"

namespace qk {

class TransferMeter {
 public:
  // Reports from a thread of its own until finish() or its end. options.progress must not throw.
  TransferMeter(const TransferOptions& options, int64_t files_total, int64_t bytes_total,
                bool is_upload = false);
  TransferMeter(const TransferMeter&) = delete;
  TransferMeter& operator=(const TransferMeter&) = delete;
  ~TransferMeter();

  // Bytes that an interrupted run had, bytes that moved now, and those that have to move again.
  void add_before(int64_t bytes) { before_ += bytes; }
  void add(int64_t bytes) { moved_ += bytes; }
  void take_back(int64_t bytes) { lost_ += bytes; }
  void file_done() { ++files_done_; }
  // A file of the total that need not move.
  void skip(int64_t bytes) {
    skipped_bytes_ += bytes;
    ++files_skipped_;
  }
  // The last report.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  void report();
  void stop();

  std::function<void(const TransferProgress&)> progress_;
  const int64_t files_total_, bytes_total_;
  TransferProgress state_;
  std::atomic<int64_t> before_{0}, moved_{0}, lost_{0}, files_done_{0}, skipped_bytes_{0},
      files_skipped_{0};
  Clock::time_point start_ = Clock::now();
  std::deque<std::pair<Clock::time_point, int64_t>> samples_;  // of moved_, lately
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace qk
