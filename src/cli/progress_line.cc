#include "cli/progress_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/number_text.h"

namespace qk {
namespace {

constexpr double kTerminalSeconds = 0.1;
constexpr int kBarWidth = 24;
constexpr double kSurePart = 0.02;  // fraction done before a remaining time is shown

double part_done(const RunProgress& progress) {
  if (!progress.total || *progress.total <= 0) return 0;
  const double done = static_cast<double>(progress.done) + progress.in_progress;
  return std::clamp(done / static_cast<double>(*progress.total), 0.0, 1.0);
}

std::string remaining(const RunProgress& progress) {
  if (!progress.total) return "";
  // The work of an interrupted run took none of these seconds.
  const auto before = static_cast<double>(progress.done_before);
  const double work = static_cast<double>(*progress.total) - before;
  if (work <= 0) return "";
  const double part = std::clamp(
      (static_cast<double>(progress.done) + progress.in_progress - before) / work, 0.0, 1.0);
  return remaining_text(part, progress.seconds);
}

std::string bar(double part) {
  const int full = static_cast<int>(part * kBarWidth);
  return "[" + std::string(static_cast<size_t>(full), '#') +
         std::string(static_cast<size_t>(kBarWidth - full), '.') + "] ";
}

size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

std::string remaining_text(double part, double seconds) {
  if (part < kSurePart || part >= 1) return "";
  return fmt::format(", {} left", seconds_text(seconds * (1 - part) / part));
}

std::string progress_text(const RunProgress& progress) {
  const std::string total = progress.total ? "/" + count_text(*progress.total) : "";
  switch (progress.phase) {
    case Phase::kStage:
      return fmt::format(
          "stage     {} of {} of weights{}", bytes_text(static_cast<double>(progress.done)),
          bytes_text(static_cast<double>(progress.total.value_or(0))), remaining(progress));
    case Phase::kIdentify:
      return fmt::format("identify  {} of {}{}", bytes_text(static_cast<double>(progress.done)),
                         bytes_text(static_cast<double>(progress.total.value_or(0))),
                         remaining(progress));
    case Phase::kWrite:
      return fmt::format("write     {}{} files{}", count_text(progress.done), total,
                         remaining(progress));
    case Phase::kCapture:
      break;
  }
  const int64_t tokens = progress.num_tokens - progress.num_tokens_before;
  const double rate = static_cast<double>(tokens) / std::max(progress.seconds, 1e-9);
  return fmt::format("capture   {}{} documents, {} tokens, {:.0f} tokens/s, {} rows{}",
                     count_text(progress.done), total, count_text(progress.num_tokens),
                     tokens > 0 ? rate : 0.0, count_text(progress.num_rows), remaining(progress));
}

ProgressLine::ProgressLine(double plain_seconds)
    : terminal_(::isatty(STDERR_FILENO) == 1),
      plain_seconds_(plain_seconds),
      last_shown_(terminal_ ? -plain_seconds : 0) {}

ProgressLine::~ProgressLine() { end_line(); }

void ProgressLine::show(const RunProgress& progress) {
  if (progress.phase != phase_) {
    begin_phase();
    phase_ = progress.phase;
  }
  bool at_end = progress.total && progress.done >= *progress.total;
  const bool is_reading = progress.phase == Phase::kStage || progress.phase == Phase::kIdentify;
  if (is_reading && !terminal_) at_end = false;  // only if it takes long
  const std::optional<double> part =
      progress.total ? std::optional(part_done(progress)) : std::nullopt;
  draw(progress_text(progress), part, progress.seconds, at_end);
}

void ProgressLine::draw(const std::string& text, std::optional<double> part, double seconds,
                        bool is_last) {
  const double pause = terminal_ ? kTerminalSeconds : plain_seconds_;
  if (!is_last && seconds - last_shown_ < pause) return;
  last_shown_ = seconds;
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", text.c_str());
    return;
  }
  std::string line = part ? bar(*part) + text : text;
  if (const size_t width = terminal_width(); line.size() >= width) line.resize(width - 1);
  std::fprintf(stderr, "\r%s\033[K", line.c_str());
  std::fflush(stderr);
  open_ = true;
}

void ProgressLine::end_line() {
  if (open_) std::fputc('\n', stderr);
  open_ = false;
}

void ProgressLine::begin_phase() {
  end_line();
  last_shown_ = terminal_ ? -plain_seconds_ : 0;
}

void ProgressLine::clear() {
  if (open_) std::fputs("\r\033[K", stderr);
  open_ = false;
}

}  // namespace qk
