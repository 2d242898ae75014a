// The ranks of one run as their two sides see them: the leader, a thread of rank 0, deals tasks;
// the workers, a thread of every rank (rank 0 too), do them. Between them stands one loop per rank,
// run by the thread that owns the Transport, which never computes: so every rank answers at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/transport.h"

namespace qk {

struct CrewTimes {       // seconds
  double beat = 1;       // between two signs of life
  double lost = 60;      // silence after which a rank counts as lost, once it was heard of
  double sleep = 0.001;  // between two looks at the messages; up to 5 times that if none come
  double fill = 2;       // longest wait for a full window before a stage's first task is dealt
  // Until the first message of the other side, instead of `lost` if that is not longer: ranks read
  // their files and models first, some much longer than others.
  double start = 900;
};

// What a worker is given to do.
struct CrewTask {
  int32_t stage = 0;
  int64_t id = 0;   // of the stage; any number, each once
  double size = 0;  // bigger ones are dealt first within the window. Not sent
  std::string text = {};
  int rank = -1;  // only this one may do it; if it is lost, the task is given up. -1: any. Not sent
  // Instead of `text`, if there is one: tasks can share it. It is let go when none of them needs it.
  std::shared_ptr<const std::string> body = {};
};

struct CrewResult {
  int64_t id = 0;
  int rank = 0;
  std::string text = {};
};

struct RankState {
  bool is_alive = true;
  std::string host;
  std::string hello;        // CrewSides::hello of it; empty before it came
  std::string progress;     // its last kBeat that had one
  int64_t num_results = 0;  // of this stage
};

// The leader's side. Threads: one, which is not that of the loop.
class Leader {
 public:
  virtual ~Leader() = default;
  virtual int num_ranks() const = 0;
  // [ranks] what each rank said first. Waits for all; a rank that says nothing for CrewTimes::start
  // is an Error, and so is one that has left by then. Throws Stopped.
  virtual std::vector<std::string> hellos() = 0;
  struct Stage {
    std::string text;  // for all workers of the stage, once
    // The next task; none: there are no more. Called by run_stage, as far ahead as `window` says.
    std::function<std::optional<CrewTask>()> next;
    int64_t window = 4;  // tasks for each rank that wait, at most
    // False: `next` is not called now. Asked again after each result, and ten times a second.
    std::function<bool()> has_room = {};
    // False: this task may not be begun any more (time limit); nor may the others. Empty: all may.
    // Asked of each task that comes from `next`, and ten times a second of the largest that no
    // worker has begun. What was dealt ahead but not begun is then given back.
    std::function<bool(const CrewTask&)> may_begin = {};
    std::function<void(CrewResult&&)> take = {};  // results as they come, each task's once
    // [ranks], about ten times a second.
    std::function<void(const std::vector<RankState>&)> show = {};
    // [ranks] 0: this one does not hear of the stage and gets no task of it. Empty: all take part.
    // REQUIRES: rank 0 does, which is never lost.
    std::vector<uint8_t> ranks = {};
  };
  // Returns when every task has its result (true), or when the run is to stop, or may_begin said
  // no, and nothing is in hand any more (false). Tasks of a rank that is lost are dealt to others,
  // so a task may be done twice; its first result counts. Throws Error with the sentence of a rank
  // that failed ("node17 (rank 12): ...") when nothing is in hand any more, and what the functions
  // throw.
  // All functions are called by the thread that called run_stage.
  virtual bool run_stage(const Stage& stage) = 0;
  // For the leader's own work between stages, often. Throws Error with the sentence of a rank that
  // failed; Stopped if the run is to stop.
  virtual void check() = 0;
  // The rank hears of no later stage, even if it was lost and is heard of again: it gets no task,
  // and those for it alone are given up. REQUIRES: no stage is running.
  virtual void leave_out(int rank) = 0;
};

// A worker's side. Threads: any.
class Worker {
 public:
  struct Begin {  // of a stage
    int32_t stage = 0;
    std::string text;
  };
  virtual ~Worker() = default;
  virtual int rank() const = 0;
  // Waits for the next stage; none: the run is over. Tasks of this stage that have no result are
  // given back. A stage that is over before this rank was ready for it is left out.
  virtual std::optional<Begin> next_stage() = 0;
  // The next task of this stage. With `wait` waits for one; tasks that were taken must not wait for
  // that: it may come only after their results. None: there is none now; ended() says whether one
  // may still come.
  virtual std::optional<CrewTask> next_task(bool wait) = 0;
  // No further task of this stage will come: it is over, or the run is to stop.
  virtual bool ended() const = 0;
  virtual void send_result(const CrewTask& task, std::string text) = 0;
  virtual void show(std::string progress) = 0;  // goes with the next sign of life
};

// What a rank's loop came to.
struct CrewEnd {
  int exit_code = 0;     // of `lead`, but 0 instead of 1 on other ranks; 75: rank 0 was lost
  bool all_left = true;  // false: a rank was lost, so MPI must not be finalised
  std::string sentence;  // of an error of this rank's own loop, or that rank 0 was lost; else empty
};

struct CrewSides {
  std::string hello = {};                  // JSON
  std::string host = {};                   // for sentences
  std::function<void(Worker&)> work = {};  // until next_stage() gives none
  std::function<int(Leader&)> lead = {};   // on rank 0: returns the exit code
  // On rank 0: "node17 (rank 12): not heard of for 60 s; ...". Called by the thread of `lead`, and
  // after its end.
  std::function<void(const std::string&)> warn = {};
  const std::atomic<bool>* stop = nullptr;  // set by a signal, on any rank
  // Tasks that a worker holds at most: those it computes at once, and one that is given ahead when
  // they are soon through, so that it need not wait. 1: one at a time, none ahead.
  int in_hand = 2;
  // CrewEnd::all_left, also if run_crew throws: called just before it ends. May be empty.
  std::function<void(bool all_left)> left = {};
};

// Runs the loop until the run is over; starts the threads of `work`, and on rank 0 of `lead`.
// An exception of `work` becomes the run's error (Stopped: as if this rank had been asked to stop);
// so does its end before next_stage() gave none. One of `lead`, or the run's error if `lead` did
// not see it, is thrown here on rank 0, after all ranks left. What fails after `lead` has returned
// changes nothing about the run: `warn` is told.
CrewEnd run_crew(Transport& transport, const CrewSides& sides, const CrewTimes& times = {});

}  // namespace qk
