#include "download/transfer_meter.h"

namespace qk {
namespace {

constexpr std::chrono::milliseconds kReportEvery{250};
constexpr std::chrono::seconds kRateWindow{5};

}  // namespace

TransferMeter::TransferMeter(const TransferOptions& options, int64_t files_total,
                             int64_t bytes_total, bool is_upload)
    : progress_(options.progress), files_total_(files_total), bytes_total_(bytes_total) {
  state_.is_upload = is_upload;
  samples_.emplace_back(start_, 0);
  if (progress_) thread_ = std::thread([this] { run(); });
}

TransferMeter::~TransferMeter() { stop(); }

void TransferMeter::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kReportEvery, [this] { return stopped_; })) report();
}

void TransferMeter::report() {
  state_.files_total = files_total_ - files_skipped_;
  state_.bytes_total = bytes_total_ - skipped_bytes_;
  if (state_.files_total == 0) return;
  const Clock::time_point now = Clock::now();
  const int64_t moved = moved_;
  samples_.emplace_back(now, moved);
  while (samples_.size() > 2 && now - samples_[1].first >= kRateWindow) samples_.pop_front();
  const double window = std::chrono::duration<double>(now - samples_.front().first).count();
  state_.bytes_before = before_;
  state_.bytes_done = state_.bytes_before + moved - lost_;
  state_.files_done = files_done_;
  state_.seconds = std::chrono::duration<double>(now - start_).count();
  state_.bytes_per_second =
      window > 0 ? static_cast<double>(moved - samples_.front().second) / window : 0;
  progress_(state_);
}

void TransferMeter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TransferMeter::finish() {
  stop();
  if (progress_) report();
}

}  // namespace qk
