// The two sides of a crew as its threads see them: each a state machine behind a lock, and a bell
// that wakes the loop. Only crew.cc needs this.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>

#include "cluster/coordinator.h"
#include "cluster/crew.h"
#include "cluster/follower.h"

namespace qk {

// Wakes the loop before its time. Threads: any.
class CrewBell {
 public:
  void ring();
  void wait(double seconds);  // until it rings, at most so long

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool has_rung_ = false;
};

// Threads: the worker's, and with with_follower the loop.
class WorkerSide : public Worker {
 public:
  WorkerSide(const Follower::Setting& setting, const CrewTimes& times, CrewBell& bell);

  int rank() const override { return rank_; }
  std::optional<Begin> next_stage() override;
  std::optional<CrewTask> next_task(bool wait) override;
  bool ended() const override;
  void send_result(const CrewTask& task, std::string text) override;
  void show(std::string progress) override;

  // The thread: `work` until its end, whatever that is.
  void run(const std::function<void(Worker&)>& work);

  // call(Follower&) under the lock; wakes the worker if there is something new for it.
  template <typename Call>
  auto with_follower(const Call& call) {
    const std::lock_guard lock(mutex_);
    const NotifyAtEnd notify = {*this};
    return call(follower_);
  }

 private:
  struct NotifyAtEnd {
    WorkerSide& side;
    ~NotifyAtEnd() {
      if (side.follower_.take_changed()) side.changed_.notify_all();
    }
  };

  const int rank_;
  CrewBell& bell_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Follower follower_;
};

// Threads: the leader's, and with with_coordinator the loop.
class LeaderSide : public Leader {
 public:
  LeaderSide(int num_ranks, const CrewTimes& times,
             const std::function<void(const std::string&)>& warn, CrewBell& bell);

  int num_ranks() const override { return num_ranks_; }
  std::vector<std::string> hellos() override;
  bool run_stage(const Stage& stage) override;
  void check() override;
  void leave_out(int rank) override;

  // The thread: `lead` until its end, whatever that is; then all ranks leave.
  void run(const std::function<int(Leader&)>& lead);
  // After that: its exit code. Throws what it threw, or the run's error if it did not see that.
  int result();
  void give_warnings();

  // call(Coordinator&) under the lock; wakes the leader if there is something new for it.
  template <typename Call>
  auto with_coordinator(const Call& call) {
    const std::lock_guard lock(mutex_);
    const NotifyAtEnd notify = {*this};
    return call(coordinator_);
  }

 private:
  struct News;
  struct Watch;
  struct NotifyAtEnd {
    LeaderSide& side;
    ~NotifyAtEnd() {
      if (side.coordinator_.take_changed()) side.changed_.notify_all();
    }
  };

  News wait_for_news(bool has_room);
  bool lead_stage(const Stage& stage);
  void give(const Stage& stage, News& news, Watch& watch);
  void fetch_task(const Stage& stage);

  const int num_ranks_;
  const std::function<void(const std::string&)>& warn_;
  CrewBell& bell_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Coordinator coordinator_;
  int exit_code_ = 0;
  std::exception_ptr exception_;
};

}  // namespace qk
