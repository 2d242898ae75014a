// Whether rank 0 may still deal a task of documents. Threads: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "capture/run_options.h"
#include "capture/time_limit.h"
#include "cluster/crew.h"
#include "ranks/rank_stages.h"

namespace qk {

// A rank's task has an estimate of its tokens (DocumentTasks); what the tasks that ended really had
// corrects it.
class DocumentsInTime {
 public:
  // limit: null: there is none. REQUIRES: it outlives the object.
  explicit DocumentsInTime(TimeLimit* limit) : limit_(limit) {}

  // counts: of the documents that are safe, for the sentence.
  bool may_begin(const CrewTask& task, const CaptureCounts& counts);
  void end(int64_t task, const DocumentsAnswer& answer);
  // Why the run ends; empty: not because of the limit.
  const std::string& sentence() const { return sentence_; }

 private:
  TimeLimit* limit_;
  std::map<int64_t, double> estimates_;  // of tasks that were asked about, in tokens
  double estimated_ = 0, found_ = 0;     // tokens of the tasks that ended
  std::string sentence_;
};

// Seconds since 1970 by the clock of this node.
double system_seconds();

// When the limit will be reached, in system_seconds(); 0: there is none. Other nodes compare it with
// their own clocks: it is to be used for what may be a little early or late.
double end_of(const TimeLimit* limit);

}  // namespace qk
