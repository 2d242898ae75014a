// Adds the seconds of a part of a pass to a counter: by the host's clock, or, where operations
// return before they are done, by marks in the order of the device's work, which are read when the
// pass has ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stopwatch.h"
#include "kernels/backend.h"

namespace qk {

class PartClock {
 public:
  // Nothing is measured unless it is wanted.
  PartClock(const Backend& backend, Context& context, bool wanted)
      : backend_(backend), context_(context), wanted_(wanted) {}
  PartClock(const PartClock&) = delete;
  PartClock& operator=(const PartClock&) = delete;
  // Of a pass that failed the device need not keep the marks.
  ~PartClock() {
    if (has_marks_) backend_.forget_marks(context_);
  }

  bool wanted() const { return wanted_; }
  bool uses_marks() const { return backend_.mark != nullptr; }
  int64_t mark() {
    const int64_t made = backend_.mark(context_);
    has_marks_ = true;
    return made;
  }
  void add(double& seconds, int64_t begin, int64_t end) {
    parts_.push_back({&seconds, begin, end});
  }
  // For a mark that could not be made, where nobody could be told.
  void keep(const Error& failure) { failure_ = failure.what(); }
  // Reads the marks; waits for the device. Throws Error, also for a mark that could not be made.
  void settle() {
    if (!failure_.empty()) throw Error(failure_);
    for (const Part& part : parts_) {
      *part.seconds += backend_.seconds_between(context_, part.begin, part.end);
    }
    parts_.clear();
    has_marks_ = false;
  }

 private:
  struct Part {
    double* seconds;
    int64_t begin, end;
  };
  const Backend& backend_;
  Context& context_;
  bool wanted_;
  bool has_marks_ = false;  // that were not read
  std::vector<Part> parts_;
  std::string failure_;
};

// Measures while it lives.
class PartWatch {
 public:
  PartWatch(PartClock& clock, double& seconds) : clock_(clock), seconds_(seconds) {
    if (!clock.wanted()) return;
    if (clock.uses_marks()) {
      begin_ = clock.mark();
    } else {
      watch_.emplace(seconds);
    }
  }
  PartWatch(const PartWatch&) = delete;
  PartWatch& operator=(const PartWatch&) = delete;
  ~PartWatch() {
    if (!begin_) return;
    try {
      clock_.add(seconds_, *begin_, clock_.mark());
    } catch (const Error& failure) {
      clock_.keep(failure);
    }
  }

 private:
  PartClock& clock_;
  double& seconds_;
  std::optional<Stopwatch> watch_;  // of the host
  std::optional<int64_t> begin_;    // a mark
};

}  // namespace qk
