// The progress of a run on stderr: one line that is redrawn on a terminal, or else a plain line
// every few seconds.
#pragma once

#include <optional>
#include <string>

#include "capture/run_options.h"

namespace qk {

// "capture   12/64 documents, 34,567 tokens, 812 tokens/s, 1,234,567 rows, 1 min 12 s left"
std::string progress_text(const RunProgress& progress);

// ", 1 min 12 s left", extrapolated from the fraction done; empty if that is too small.
std::string remaining_text(double part, double seconds);

class ProgressLine {
 public:
  // plain_seconds: between two lines where there is no terminal.
  explicit ProgressLine(double plain_seconds = 5);
  // Ends the line on the terminal.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const RunProgress& progress);
  // For any work: `part` is the fraction done, `seconds` the time since it began. A line with
  // `is_last` is always shown.
  void draw(const std::string& text, std::optional<double> part, double seconds, bool is_last);
  void end_line();
  // As end_line(); seconds count from 0 again.
  void begin_phase();
  // Takes the line off the terminal instead.
  void clear();

 private:
  bool terminal_;
  double plain_seconds_;
  double last_shown_;  // seconds of the phase
  bool open_ = false;  // an unfinished line is on the terminal
  Phase phase_ = Phase::kIdentify;
};

}  // namespace qk
