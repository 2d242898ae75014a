#include "upload/upload_meter.h"

namespace qk {
namespace {

constexpr std::chrono::milliseconds kBetweenShows{200};
constexpr double kRateSeconds = 10;

double seconds_between(std::chrono::steady_clock::time_point begin,
                       std::chrono::steady_clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

}  // namespace

void UploadMeter::expect(int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  progress_.bytes_total += bytes;
  ++progress_.files_total;
}

void UploadMeter::skip(int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  progress_.bytes_total -= bytes;
  --progress_.files_total;
}

void UploadMeter::add(int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  progress_.bytes_done += bytes;
  show_sometimes(Clock::now());
}

void UploadMeter::take_back(int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  progress_.bytes_done -= bytes;
}

void UploadMeter::end_file() {
  const std::scoped_lock lock(mutex_);
  ++progress_.files_done;
}

void UploadMeter::finish() {
  const std::scoped_lock lock(mutex_);
  if (progress_.files_total > 0) show_now(Clock::now());
}

void UploadMeter::show_sometimes(Clock::time_point now) {
  if (now - shown_ >= kBetweenShows) show_now(now);
}

void UploadMeter::show_now(Clock::time_point now) {
  shown_ = now;
  progress_.seconds = seconds_between(begin_, now);
  const double seconds = seconds_between(rate_begin_, now);
  if (seconds > 0) {
    progress_.bytes_per_second = static_cast<double>(progress_.bytes_done - rate_bytes_) / seconds;
  }
  if (seconds > kRateSeconds) {
    rate_begin_ = now;
    rate_bytes_ = progress_.bytes_done;
  }
  if (show_) show_(progress_);
}

}  // namespace qk
