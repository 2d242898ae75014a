// For tests only: what is to happen in a simulation (test_simulation.h), and what came of it.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cluster/coordinator.h"

namespace qk::simulation {

inline constexpr double kNever = std::numeric_limits<double>::infinity();
inline constexpr CrewTimes kTimes = {.beat = 1, .lost = 12, .sleep = 0.001, .fill = 2, .start = 30};

struct Interval {
  double begin = kNever, end = kNever;
};

struct RankPlan {
  double begins = 0;
  double dies = kNever;
  double stopped = kNever;          // asked to stop
  int fails_at = -1;                // of its tasks, counted over all stages
  std::vector<Interval> suspended;  // in order
  Interval late;                    // what it sends meanwhile comes so much later:
  double late_by = 0;
  double loads = 0;        // seconds before the first task of a stage
  int at_once = 1;         // tasks computed together, as a batch
  bool has_lanes = false;  // so many are computed beside each other instead
};

struct StagePlan {
  std::vector<double> seconds;  // [tasks], in the order of the leader
  std::vector<int> only;        // [tasks] or empty: a rank; -1: any
  int64_t window = 4;
  double slow_next = 0;  // seconds that the leader needs for a few of the tasks
};

struct Plan {
  std::vector<RankPlan> ranks;
  std::vector<StagePlan> stages;
  double limit = kNever;  // no task may be begun after it
  double latency = 0.002;
};

struct RankOutcome {
  bool has_died = false, has_ended = false, has_lost_leader = false, all_left = false;
  bool was_told_to_leave = false;       // by rank 0
  int num_begun = 0, num_finished = 0;  // tasks
  int exit_code = 0;
};

struct Outcome {
  double end = 0;        // simulated seconds
  bool is_over = false;  // all that live have ended
  std::vector<Coordinator::StageState> stages;
  std::vector<std::map<int64_t, int>> results;  // [stages]: how often each task came
  std::string fault;
  bool is_stopping = false, is_limited = false, all_left = false;
  std::vector<std::string> left_in_hand;  // of ranks never lost, when their stage ended
  std::set<int> ever_lost;                // ranks that rank 0 thought lost at some time
  std::vector<RankOutcome> ranks;
  int64_t num_events = 0;
};

}  // namespace qk::simulation
