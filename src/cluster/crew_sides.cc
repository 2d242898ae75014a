#include "cluster/crew_sides.h"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <utility>

#include "base/caught_error.h"
#include "base/error.h"
#include "base/monotonic_clock.h"
#include "base/stopped.h"

namespace qk {
namespace {

constexpr double kShowEvery = 0.1;  // seconds

std::chrono::duration<double> as_duration(double seconds) {
  return std::chrono::duration<double>(seconds);
}

}  // namespace

void CrewBell::ring() {
  {
    const std::lock_guard lock(mutex_);
    has_rung_ = true;
  }
  condition_.notify_one();
}

void CrewBell::wait(double seconds) {
  std::unique_lock lock(mutex_);
  condition_.wait_for(lock, as_duration(seconds), [this] { return has_rung_; });
  has_rung_ = false;
}

// ---- the worker ----

WorkerSide::WorkerSide(const Follower::Setting& setting, const CrewTimes& times, CrewBell& bell)
    : rank_(setting.rank), bell_(bell), follower_(setting, times, monotonic_seconds()) {}

std::optional<Worker::Begin> WorkerSide::next_stage() {
  std::unique_lock lock(mutex_);
  while (true) {
    std::optional<Begin> begin = follower_.take_stage();
    bell_.ring();
    if (begin.has_value() || follower_.is_over()) return begin;
    changed_.wait(lock);
  }
}

std::optional<CrewTask> WorkerSide::next_task(bool wait) {
  std::unique_lock lock(mutex_);
  while (true) {
    std::optional<CrewTask> task = follower_.take_task();
    if (task.has_value() || !wait || follower_.ended()) return task;
    changed_.wait(lock);
  }
}

bool WorkerSide::ended() const {
  const std::lock_guard lock(mutex_);
  return follower_.ended();
}

void WorkerSide::send_result(const CrewTask& task, std::string text) {
  {
    const std::lock_guard lock(mutex_);
    follower_.add_result(task, std::move(text));
  }
  bell_.ring();
}

void WorkerSide::show(std::string progress) {
  const std::lock_guard lock(mutex_);
  follower_.show(std::move(progress));
}

void WorkerSide::run(const std::function<void(Worker&)>& work) {
  std::string sentence;
  bool is_stopped = false;
  try {
    work(*this);
  } catch (const std::exception&) {
    const CaughtError error = caught_error();
    is_stopped = error.exit_code == kExitStopped;
    if (!is_stopped) sentence = error.sentence.empty() ? "unknown error" : error.sentence;
  } catch (...) {
    sentence = "bug: unknown error";
  }
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped) follower_.stop();
    if (!sentence.empty()) follower_.fail(std::move(sentence));
    follower_.end_work();
  }
  bell_.ring();
}

// ---- the leader ----

struct LeaderSide::News {
  std::vector<CrewResult> results;
  std::vector<std::string> warnings;
  Coordinator::StageState state = Coordinator::StageState::kNone;
  bool wants_task = false;
};

struct LeaderSide::Watch {
  double next_show = 0, next_look = 0;
};

LeaderSide::LeaderSide(int num_ranks, const CrewTimes& times,
                       const std::function<void(const std::string&)>& warn, CrewBell& bell)
    : num_ranks_(num_ranks),
      warn_(warn),
      bell_(bell),
      coordinator_(num_ranks, times, monotonic_seconds()) {}

void LeaderSide::give_warnings() {
  const auto warnings = with_coordinator([](Coordinator& c) { return c.take_warnings(); });
  for (const std::string& warning : warnings) {
    if (warn_) warn_(warning);
  }
}

std::vector<std::string> LeaderSide::hellos() {
  while (true) {
    give_warnings();
    std::unique_lock lock(mutex_);
    if (!coordinator_.fault().empty()) throw Error(coordinator_.fault());
    if (coordinator_.is_stopping()) throw Stopped();
    if (const std::vector<int> lost = coordinator_.without_hello(true); !lost.empty()) {
      fail("rank{} {}: nothing was heard of {} after the start", lost.size() == 1 ? "" : "s",
           fmt::join(lost, ", "), lost.size() == 1 ? "it" : "them");
    }
    if (coordinator_.is_complete()) {
      std::vector<std::string> hellos;
      for (RankState& rank : coordinator_.ranks()) hellos.push_back(std::move(rank.hello));
      return hellos;
    }
    changed_.wait_for(lock, as_duration(kShowEvery));
  }
}

bool LeaderSide::run_stage(const Stage& stage) {
  with_coordinator([&](Coordinator& c) {
    if (!c.fault().empty()) return;
    c.begin_stage(stage.text, stage.window, monotonic_seconds(), stage.ranks);
  });
  bell_.ring();
  bool is_whole = false;
  try {
    is_whole = lead_stage(stage);
  } catch (...) {
    with_coordinator([](Coordinator& c) { c.close_stage(); });
    bell_.ring();
    throw;
  }
  const std::string fault = with_coordinator([](Coordinator& c) {
    c.close_stage();
    return c.fault();
  });
  bell_.ring();
  if (!fault.empty()) throw Error(fault);
  return is_whole;
}

void LeaderSide::check() {
  with_coordinator([](const Coordinator& c) {
    if (!c.fault().empty()) throw Error(c.fault());
    if (c.is_stopping()) throw Stopped();
  });
}

void LeaderSide::leave_out(int rank) {
  with_coordinator([&](Coordinator& c) { c.leave_out(rank); });
}

bool LeaderSide::lead_stage(const Stage& stage) {
  Watch watch;
  while (true) {
    News news = wait_for_news(!stage.has_room || stage.has_room());
    give(stage, news, watch);
    if (news.state != Coordinator::StageState::kRunning) {
      return news.state == Coordinator::StageState::kDone;
    }
    if (news.wants_task) fetch_task(stage);
  }
}

LeaderSide::News LeaderSide::wait_for_news(bool has_room) {
  std::unique_lock lock(mutex_);
  const auto has_news = [&] {
    return coordinator_.has_news() || (has_room && coordinator_.wants_task()) ||
           coordinator_.stage_state() != Coordinator::StageState::kRunning;
  };
  changed_.wait_for(lock, as_duration(kShowEvery), has_news);
  return {.results = coordinator_.take_results(),
          .warnings = coordinator_.take_warnings(),
          .state = coordinator_.stage_state(),
          .wants_task = has_room && coordinator_.wants_task()};
}

// What the leader's functions are to know.
void LeaderSide::give(const Stage& stage, News& news, Watch& watch) {
  for (const std::string& warning : news.warnings) {
    if (warn_) warn_(warning);
  }
  for (CrewResult& result : news.results) {
    if (stage.take) stage.take(std::move(result));
  }
  const double now = monotonic_seconds();
  if (stage.show && now >= watch.next_show) {
    watch.next_show = now + kShowEvery;
    stage.show(with_coordinator([](Coordinator& c) { return c.ranks(); }));
  }
  if (stage.may_begin && now >= watch.next_look) {
    watch.next_look = now + kShowEvery;
    const auto task = with_coordinator([](Coordinator& c) { return c.largest_not_begun(); });
    if (task == nullptr || stage.may_begin(*task)) return;
    with_coordinator([](Coordinator& c) { c.stop_stage(); });
    bell_.ring();
  }
}

void LeaderSide::fetch_task(const Stage& stage) {
  std::optional<CrewTask> task = stage.next();
  const bool may_begin = !task.has_value() || !stage.may_begin || stage.may_begin(*task);
  with_coordinator([&](Coordinator& c) {
    if (!may_begin) {
      c.stop_stage();
    } else if (task.has_value()) {
      c.add(std::move(*task));
    } else {
      c.no_more_tasks();
    }
  });
  bell_.ring();
}

void LeaderSide::run(const std::function<int(Leader&)>& lead) {
  try {
    exit_code_ = lead(*this);
  } catch (const Stopped&) {
    exit_code_ = kExitStopped;
    exception_ = std::current_exception();
  } catch (...) {
    exit_code_ = 1;
    exception_ = std::current_exception();
  }
  with_coordinator([&](Coordinator& c) { c.leave(exit_code_); });
  bell_.ring();
}

int LeaderSide::result() {
  if (exception_) std::rethrow_exception(exception_);
  const std::string fault = with_coordinator([](Coordinator& c) { return c.fault(); });
  if (!fault.empty()) throw Error(fault);
  return exit_code_;
}

}  // namespace qk
