// The time that a run may take, and whether one more document would end within it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/monotonic_clock.h"

namespace qk {

// Seconds of "3h55m", "90m", "2d", "1:30:00" (hours, minutes, seconds), "2-12:00:00" (days before it, as
// Slurm writes it; also "2-12" and "2-12:30"), or "1200" (seconds). Throws Error naming --time-limit
// and these forms for anything else ("3:55" too, which could be hours or minutes), and unless it is
// more than 0 and at most 1,000 days.
double parse_time_limit(std::string_view text);

// Foresees from the documents that were finished how long another one takes: a L + b L^2 seconds for
// L tokens, a and b >= 0 by least squares, times what nine of ten documents kept to (ranks are not
// equally fast). Up to two documents, or if all are of about one length: proportional to the tokens,
// as the slower of the two was. Only the last 512 documents count: the first ones wait for the disk.
// Threads: one at a time.
class TimeLimit {
 public:
  // seconds: from now on, > 0.
  explicit TimeLimit(double seconds, std::function<double()> now = monotonic_seconds);

  // A document was finished. One without tokens or of no time is passed over.
  void add(int64_t num_tokens, double seconds);

  // Whether a document of so many tokens (as cut to max_length) may be begun: it would end at least
  // margin() before the limit. Before the first document: whether the limit is further away than that.
  bool fits(int64_t num_tokens) const { return fits(std::span(&num_tokens, 1)); }
  // Likewise of documents that are computed together.
  bool fits(std::span<const int64_t> num_tokens) const;

  // Seconds that are kept free at the end: 2 min, or 2 % of the limit if that is less; at least 1 s.
  double margin() const;
  double limit() const { return limit_; }
  double left() const { return end_ - now_(); }  // seconds; below 0 once it has passed
  // Seconds that such a document is expected to take. None before the first document.
  std::optional<double> expected(int64_t num_tokens) const;

 private:
  struct Finished {
    double tokens, seconds;
  };
  struct Fit {
    double linear = 0, quadratic = 0, slack = 1;
    double at(double tokens) const { return slack * (linear + quadratic * tokens) * tokens; }
  };
  Fit fit() const;

  double limit_, end_;
  std::function<double()> now_;
  std::vector<Finished> finished_;  // a ring once it is full
  size_t next_ = 0;
  mutable std::optional<Fit> fit_;  // of finished_; made when it is asked for
};

// "3 h 55 min", "2 min 5 s", "1 d 12 h"; parts that are 0 are left out.
std::string limit_text(double seconds);

// "no document is begun that would not end before the time limit (3 h 55 min): stopped after 12
// documents", with what the limit leaves and what such a document takes if the latter is known.
std::string out_of_time_sentence(const TimeLimit& limit, int64_t num_documents, int64_t num_tokens);

}  // namespace qk
