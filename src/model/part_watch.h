// Adds the seconds of a part of a pass to a counter: by the host's clock, or, where operations return
// before they are done, by marks in the order of the device's work, which are read when the pass has
// ended.
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
  PartClock(const Backend& backend, Context& context) : backend_(backend), context_(context) {}

  bool uses_marks() const { return backend_.mark != nullptr; }
  int64_t mark() const { return backend_.mark(context_); }
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
  }

 private:
  struct Part {
    double* seconds;
    int64_t begin, end;
  };
  const Backend& backend_;
  Context& context_;
  std::vector<Part> parts_;
  std::string failure_;
};

// Measures while it lives.
class PartWatch {
 public:
  PartWatch(PartClock& clock, double& seconds) : clock_(clock), seconds_(seconds) {
    if (clock.uses_marks()) {
      begin_ = clock.mark();
    } else {
      watch_.emplace(seconds);
    }
  }
  PartWatch(const PartWatch&) = delete;
  PartWatch& operator=(const PartWatch&) = delete;
  ~PartWatch() {
    if (watch_) return;
    try {
      clock_.add(seconds_, begin_, clock_.mark());
    } catch (const Error& failure) {
      clock_.keep(failure);
    }
  }

 private:
  PartClock& clock_;
  double& seconds_;
  std::optional<Stopwatch> watch_;
  int64_t begin_ = 0;
};

}  // namespace qk
