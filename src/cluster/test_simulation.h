// For tests only: a coordinator and its followers in simulated time, with deaths, suspensions, late
// messages, stops and faults as a plan says. Nothing here waits or starts a thread.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "cluster/coordinator.h"
#include "cluster/follower.h"
#include "cluster/test_simulation_plan.h"

namespace qk::simulation {

class Simulation {
 public:
  // REQUIRES: the plan outlives it.
  Simulation(const Plan& plan, uint64_t seed)
      : plan_(plan),
        random_(seed),
        coordinator_(static_cast<int>(plan.ranks.size()), kTimes, of(0).begins),
        ranks_(plan.ranks.size()) {
    for (int rank = 0; rank < size(); ++rank) {
      ranks_[at(rank)].follower =
          std::make_unique<Follower>(Follower::Setting{.rank = rank,
                                                       .host = "node" + std::to_string(rank),
                                                       .hello = "{}",
                                                       .in_hand = of(rank).at_once + 1},
                                     kTimes, of(rank).begins);
      ranks_[at(rank)].arrivals.assign(at(rank == 0 ? size() : 1), 0);
      every(rank, kTimes.beat / 2 * (1 + uniform() / 4));
      if (of(rank).stopped < kNever) {
        schedule(of(rank).stopped, rank, [this, rank] { ranks_[at(rank)].follower->stop(); });
      }
    }
    schedule(0, 0, [this] { lead(); });  // before anything can disturb it
  }

  // Until all have ended, or until `bound`.
  Outcome run(double bound) {
    while (!events_.empty() && !is_over()) {
      Event event = std::move(const_cast<Event&>(events_.top()));
      events_.pop();
      if (event.time > bound) break;
      now_ = event.time;
      if (now_ >= of(event.rank).dies) continue;
      if (const double wakes = wake_time(event.rank); wakes > now_) {
        event.time = wakes;
        events_.push(std::move(event));
        continue;
      }
      ++outcome_.num_events;
      event.action();
      settle(event.rank);
    }
    return finish();
  }

 private:
  struct Event {
    double time = 0;
    int64_t order = 0;
    int rank = 0;  // whose process does it
    std::function<void()> action;
    bool operator<(const Event& other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };
  struct Rank {
    std::unique_ptr<Follower> follower;
    std::vector<double> arrivals;  // of the last message to each rank
    bool is_in_stage = false, is_loading = false, has_work_ended = false;
    bool is_computing = false;  // a batch
    int32_t stage = 0;
    std::vector<CrewTask> tasks;          // taken
    int num_begun = 0, num_finished = 0;  // in all
  };

  static size_t at(int rank) { return static_cast<size_t>(rank); }
  int size() const { return static_cast<int>(plan_.ranks.size()); }
  const RankPlan& of(int rank) const { return plan_.ranks[at(rank)]; }
  double uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  void schedule(double time, int rank, std::function<void()> action) {
    events_.push({time, num_scheduled_++, rank, std::move(action)});
  }

  void every(int rank, double seconds) {
    schedule(now_ + seconds, rank, [this, rank, seconds] {
      if (rank == 0) coordinator_.tick(now_);
      ranks_[at(rank)].follower->tick(now_);
      every(rank, seconds);
    });
  }

  double wake_time(int rank) const {
    if (now_ < of(rank).begins) return of(rank).begins;
    for (const Interval& pause : of(rank).suspended) {
      if (now_ >= pause.begin && now_ < pause.end) return pause.end;
    }
    return 0;
  }

  bool is_over() const {
    for (int rank = 0; rank < size(); ++rank) {
      if (of(rank).dies > now_ && !ranks_[at(rank)].follower->is_ended()) return false;
    }
    return coordinator_.is_over() || of(0).dies <= now_;
  }

  // ---- messages ----

  // What the process of a rank does after each event: its worker, and what is to be sent.
  void settle(int rank) {
    bool is_busy = true;
    while (is_busy) {
      work(rank);
      is_busy = false;
      for (Message& message : ranks_[at(rank)].follower->take_sends()) {
        is_busy = true;
        if (rank == 0) {
          coordinator_.receive(0, std::move(message), now_);
        } else {
          carry(rank, 0, encode(std::move(message)));
        }
      }
      if (rank == 0) is_busy = settle_coordinator() || is_busy;
    }
    if (rank == 0 && coordinator_.take_changed()) {
      schedule(now_ + 1e-4, 0, [this] { lead_now(); });
    }
    if (ranks_[at(rank)].follower->take_changed()) settle(rank);
  }

  bool settle_coordinator() {
    bool is_busy = false;
    for (Coordinator::Send& send : coordinator_.take_sends()) {
      is_busy = true;
      const std::string text = send.body ? *send.body : send.head.text;
      if (send.to != 0) {
        carry(0, send.to, encode(send.head, text));
      } else {
        send.head.text = text;
        ranks_[0].follower->receive(std::move(send.head), now_);
      }
    }
    for (const int rank : coordinator_.without_hello(true)) outcome_.ever_lost.insert(rank);
    const std::vector<RankState> states = coordinator_.ranks();
    for (int rank = 0; rank < size(); ++rank) {
      if (!states[at(rank)].is_alive && !states[at(rank)].host.empty() &&
          !coordinator_.is_leaving()) {
        outcome_.ever_lost.insert(rank);
      }
    }
    return is_busy;
  }

  void carry(int from, int to, std::string bytes) {
    double time = now_ - std::log(1 - uniform()) * plan_.latency;
    if (now_ >= of(from).late.begin && now_ < of(from).late.end) time += of(from).late_by;
    double& last = ranks_[at(from)].arrivals[at(from == 0 ? to : 0)];
    last = time = std::max(time, last);
    schedule(time, to, [this, from, to, bytes = std::move(bytes)]() mutable {
      Message message = decode(std::move(bytes), from);
      if (to == 0) {
        coordinator_.receive(from, std::move(message), now_);
      } else {
        ranks_[at(to)].follower->receive(std::move(message), now_);
      }
    });
  }

  // ---- workers ----

  void work(int rank) {
    Rank& me = ranks_[at(rank)];
    while (!me.has_work_ended && !me.is_loading && !me.is_computing) {
      if (me.is_in_stage ? !work_in_stage(rank) : !enter_stage(rank)) return;
    }
  }

  // False: there is nothing to do now.
  bool enter_stage(int rank) {
    Rank& me = ranks_[at(rank)];
    const auto begin = me.follower->take_stage();
    if (!begin.has_value()) {
      if (!me.follower->is_over()) return false;
      me.follower->end_work();
      me.has_work_ended = true;
      return false;
    }
    me.is_in_stage = true;
    me.stage = begin->stage;
    if (of(rank).loads > 0) {
      me.is_loading = true;
      schedule(now_ + of(rank).loads * uniform(), rank,
               [this, rank] { ranks_[at(rank)].is_loading = false; });
    }
    return true;
  }

  bool work_in_stage(int rank) {
    Rank& me = ranks_[at(rank)];
    const bool has_lanes = of(rank).has_lanes;
    while (static_cast<int>(me.tasks.size()) < of(rank).at_once) {
      auto task = me.follower->take_task();
      if (!task.has_value()) break;
      me.tasks.push_back(std::move(*task));
      if (++me.num_begun > of(rank).fails_at && of(rank).fails_at >= 0) return fail_work(rank);
      if (has_lanes) compute(rank, {me.tasks.back()});
    }
    if (me.tasks.empty()) {
      me.is_in_stage = !me.follower->ended();
      return !me.is_in_stage;
    }
    if (!has_lanes) {
      me.is_computing = true;
      compute(rank, me.tasks);
    }
    return false;
  }

  bool fail_work(int rank) {
    Rank& me = ranks_[at(rank)];
    me.follower->fail("out of memory");
    me.follower->end_work();
    me.has_work_ended = true;
    me.tasks.clear();
    return false;
  }

  void compute(int rank, std::vector<CrewTask> tasks) {
    double seconds = 0;
    for (const CrewTask& task : tasks) seconds = std::max(seconds, std::stod(task.text));
    std::shuffle(tasks.begin(), tasks.end(), random_);
    schedule(now_ + seconds, rank, [this, rank, tasks = std::move(tasks)] {
      Rank& me = ranks_[at(rank)];
      me.is_computing = false;
      for (const CrewTask& task : tasks) {
        std::erase_if(me.tasks, [&](const CrewTask& other) { return other.id == task.id; });
        if (me.has_work_ended) continue;
        ++me.num_finished;
        me.follower->add_result(task, "done");
      }
    });
  }

  // ---- the leader ----

  void lead() {
    lead_now();
    if (!coordinator_.is_leaving()) schedule(now_ + 0.5, 0, [this] { lead(); });
  }

  void lead_now() {
    if (coordinator_.is_leaving() || now_ < busy_until_) return;
    for (const CrewResult& result : coordinator_.take_results()) {
      ++outcome_.results.back()[result.id];
    }
    if (!has_begun_) {
      if (!coordinator_.without_hello(false).empty() && !coordinator_.is_stopping() &&
          coordinator_.without_hello(true).empty()) {
        return;
      }
      has_begun_ = true;
      return next_stage();
    }
    look_at_limit();
    if (coordinator_.stage_state() != Coordinator::StageState::kRunning) return end_stage();
    fetch();
  }

  void look_at_limit() {
    const auto task = coordinator_.largest_not_begun();
    if (now_ < plan_.limit || task == nullptr) return;
    outcome_.is_limited = true;
    coordinator_.stop_stage();
  }

  void fetch() {
    const StagePlan& stage = plan_.stages[outcome_.stages.size()];
    while (coordinator_.wants_task()) {
      if (next_task_ == stage.seconds.size()) return coordinator_.no_more_tasks();
      if (now_ >= plan_.limit) {
        outcome_.is_limited = true;
        return coordinator_.stop_stage();
      }
      const double seconds = stage.seconds[next_task_];
      coordinator_.add({.id = static_cast<int64_t>(next_task_) * 3 - 7,
                        .size = seconds,
                        .text = std::to_string(seconds),
                        .rank = stage.only.empty() ? -1 : stage.only[next_task_]});
      ++next_task_;
      if (stage.slow_next > 0 && next_task_ % 5 == 1) {
        busy_until_ = now_ + stage.slow_next * uniform();
        schedule(busy_until_, 0, [this] { lead_now(); });
        return;
      }
    }
  }

  void next_stage() {
    const size_t stage = outcome_.stages.size();
    if (stage == plan_.stages.size()) return coordinator_.leave(0);
    if (coordinator_.is_stopping())
      return coordinator_.leave(coordinator_.fault().empty() ? 75 : 1);
    next_task_ = 0;
    outcome_.results.emplace_back();
    coordinator_.begin_stage("stage", plan_.stages[stage].window, now_);
    schedule(now_, 0, [this] { lead_now(); });
  }

  void end_stage() {
    outcome_.stages.push_back(coordinator_.stage_state());
    for (int rank = 0; rank < size(); ++rank) look_for_work_in_hand(rank);
    const bool is_whole = coordinator_.stage_state() == Coordinator::StageState::kDone;
    coordinator_.close_stage();
    if (is_whole) return next_stage();
    coordinator_.leave(coordinator_.fault().empty() ? 75 : 1);
  }

  // A task may be done twice, but a stage does not end before the first.
  void look_for_work_in_hand(int rank) {
    const Rank& me = ranks_[at(rank)];
    if (now_ >= of(rank).dies || outcome_.ever_lost.count(rank) > 0) return;
    if (me.stage != static_cast<int32_t>(outcome_.stages.size())) return;
    for (const CrewTask& task : me.tasks) {
      if (outcome_.results.back().count(task.id) > 0) continue;
      outcome_.left_in_hand.push_back(fmt::format("rank {}: task {}", rank, task.id));
    }
  }

  Outcome finish() {
    outcome_.end = now_;
    outcome_.is_over = is_over();
    outcome_.fault = coordinator_.fault();
    outcome_.is_stopping = coordinator_.is_stopping();
    outcome_.all_left = coordinator_.all_left();
    for (int rank = 0; rank < size(); ++rank) {
      const Follower& follower = *ranks_[at(rank)].follower;
      outcome_.ranks.push_back({.has_died = of(rank).dies <= now_,
                                .has_ended = follower.is_ended(),
                                .has_lost_leader = follower.is_leader_lost(),
                                .all_left = follower.all_left(),
                                .was_told_to_leave = follower.is_leaving(),
                                .num_begun = ranks_[at(rank)].num_begun,
                                .num_finished = ranks_[at(rank)].num_finished,
                                .exit_code = follower.exit_code()});
    }
    return std::move(outcome_);
  }

  const Plan& plan_;
  std::mt19937_64 random_;
  double now_ = 0;
  int64_t num_scheduled_ = 0;
  std::priority_queue<Event> events_;
  Coordinator coordinator_;
  std::vector<Rank> ranks_;
  Outcome outcome_;
  bool has_begun_ = false;
  size_t next_task_ = 0;
  double busy_until_ = 0;
};

}  // namespace qk::simulation
