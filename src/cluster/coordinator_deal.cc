// Who gets which task. The largest that waits goes to a rank that has nothing to do. A rank that is
// soon through gets one ahead, so that it need not wait for it; not earlier, since behind a long
// task a large one would lie while others have nothing to do.
#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "cluster/coordinator.h"

namespace qk {
namespace {

// A rank is soon through: such a part of its task is left, as far as can be foretold, but
constexpr double kAheadPart = 0.25;
constexpr double kLeastAhead = 1, kMostAhead = 5;  // seconds
constexpr double kWeightOfNewest = 0.2;            // in running means

void add_to_mean(double& mean, double value) {
  mean = mean == 0 ? value : mean + kWeightOfNewest * (value - mean);
}

}  // namespace

void Coordinator::deal() {
  if (state_ != StageState::kRunning || is_stopping_ || is_stage_stopping_) return;
  if (num_own_ > 0) deal_own();
  while (is_filled_ && !waiting_.empty() && total_credit_ > 0) {
    const int rank = best_rank();
    if (rank < 0) return;
    give(rank, waiting_.begin()->id);
  }
  if (is_exhausted_ && waiting_.empty() && total_credit_ > 0) ask_back();
}

// Ranks have nothing to do, and others have tasks that they have not begun: these are asked for,
// the largest first.
void Coordinator::ask_back() {
  int64_t num_missing = 0;
  std::vector<std::pair<int, Held*>> candidates;
  for (int i = 0; i < num_ranks(); ++i) {
    Rank& rank = ranks_[static_cast<size_t>(i)];
    if (!is_ready(rank)) continue;
    if (rank.credit > 0 && is_idle(rank)) ++num_missing;
    for (Held& held : rank.hand) {
      const Task& task = tasks_.at(held.id);
      if (held.ticket <= rank.num_begun || task.is_done || task.task->rank >= 0) continue;
      if (held.is_asked_back) --num_missing;
      if (!held.is_asked_back && held.since < 0) candidates.emplace_back(i, &held);
    }
  }
  const auto size_of = [&](const auto& candidate) {
    return tasks_.at(candidate.second->id).task->size;
  };
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](const auto& a, const auto& b) { return size_of(a) > size_of(b); });
  for (const auto& [from, held] : candidates) {
    if (num_missing-- <= 0) return;
    held->is_asked_back = true;
    send(from, MessageType::kTakeBack, held->id);
  }
}

void Coordinator::deal_own() {
  for (int to = 0; to < num_ranks(); ++to) {
    Rank& rank = ranks_[static_cast<size_t>(to)];
    while (is_ready(rank) && rank.credit > 0 && !rank.own.empty()) {
      const int64_t id = rank.own.front();
      rank.own.erase(rank.own.begin());
      --num_own_;
      give(to, id);
    }
  }
}

void Coordinator::note_duration(const Held& held, const CrewTask& task) {
  if (held.since < 0) return;
  const double seconds = now_ - held.since;
  add_to_mean(seconds_per_task_, seconds);
  if (task.size > 0) add_to_mean(seconds_per_size_, seconds / task.size);
}

// Whether this rank will be through with one of its tasks so soon that it should get another one.
bool Coordinator::is_soon_through(const Rank& rank) const {
  return std::any_of(rank.hand.begin(), rank.hand.end(), [&](const Held& held) {
    if (held.since < 0) return false;
    const double elapsed = now_ - held.since;
    const Task& task = tasks_.at(held.id);
    double seconds = seconds_per_task_;
    if (seconds_per_size_ > 0 && task.task != nullptr && task.task->size > 0) {
      seconds = seconds_per_size_ * task.task->size;
    }
    return seconds > 0 &&
           seconds - elapsed < std::clamp(kAheadPart * seconds, kLeastAhead, kMostAhead);
  });
}

int Coordinator::best_rank() const {
  const auto is_less_busy = [&](int a, int b) {
    return b < 0 ||
           ranks_[static_cast<size_t>(a)].hand.size() < ranks_[static_cast<size_t>(b)].hand.size();
  };
  int idle = -1, soon = -1;
  bool is_one_idle = false;
  for (int i = 0; i < num_ranks(); ++i) {
    const Rank& rank = ranks_[static_cast<size_t>(i)];
    if (!may_have_task(rank)) continue;
    is_one_idle = is_one_idle || is_idle(rank);
    if (rank.credit == 0) continue;
    if (is_idle(rank) && is_less_busy(i, idle)) idle = i;
    if (!is_idle(rank) && is_less_busy(i, soon) && is_soon_through(rank)) soon = i;
  }
  return idle >= 0 || is_one_idle ? idle : soon;
}

void Coordinator::give(int to, int64_t id) {
  Rank& rank = ranks_[static_cast<size_t>(to)];
  Task& task = tasks_.at(id);
  set_waiting(id, task, false);
  ++task.num_holders;
  --rank.credit;
  --total_credit_;
  rank.hand.push_back({.id = id, .ticket = ++rank.num_dealt, .since = is_idle(rank) ? now_ : -1});
  auto body = task.task->body;
  if (body == nullptr) body = std::shared_ptr<const std::string>(task.task, &task.task->text);
  sends_.push_back(
      {to, {.type = MessageType::kTask, .stage = stage_, .number = id}, std::move(body)});
}

}  // namespace qk
