// The progress of a run on stderr: one line that is drawn anew on a terminal, plain lines every few
// seconds elsewhere.
#pragma once

#include <string>

#include "capture/run.h"

namespace qk {

// "capture   12/64 documents, 34,567 tokens, 812 tokens/s, 1,234,567 rows, 1 min 12 s left"
std::string progress_text(const RunProgress& progress);

class ProgressLine {
 public:
  ProgressLine();
  // Ends the line that is on the terminal.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const RunProgress& progress);
  void end_line();

 private:
  bool terminal_;
  double last_shown_;  // seconds of the phase
  bool open_ = false;  // an unfinished line is on the terminal
  Phase phase_ = Phase::kIdentify;
};

}  // namespace qk
