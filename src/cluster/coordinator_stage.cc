// The tasks of a stage: which wait, who holds them, and when the stage is over.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "cluster/coordinator.h"

namespace qk {

void Coordinator::begin_stage(std::string text, int64_t window, double now,
                              const std::vector<uint8_t>& ranks) {
  QK_CHECK(ranks.empty() || (ranks.size() == ranks_.size() && ranks[0] != 0));
  QK_CHECK(state_ != StageState::kRunning && !is_leaving_ && window > 0);
  close_stage();
  ++stage_;
  stage_text_ = std::make_shared<const std::string>(std::move(text));
  window_ = window;
  stage_begin_ = now;
  is_filled_ = is_exhausted_ = is_stage_stopping_ = is_stop_sent_ = false;
  num_added_ = num_done_ = num_own_ = total_credit_ = 0;
  for (size_t i = 0; i < ranks_.size(); ++i) {
    Rank& rank = ranks_[i];
    rank.takes_part = !rank.is_left_out && (ranks.empty() || ranks[i] != 0);
    rank.credit = rank.num_dealt = rank.num_begun = rank.state.num_results = 0;
    rank.lanes = 1;
  }
  seconds_per_size_ = seconds_per_task_ = 0;
  now_ = now;
  state_ = is_stopping_ ? StageState::kStopped : StageState::kRunning;
  for (int rank = 0; rank < num_ranks(); ++rank) bring_up_to_date(rank);
}

void Coordinator::leave_out(int rank) {
  QK_CHECK(state_ != StageState::kRunning);
  ranks_.at(static_cast<size_t>(rank)).is_left_out = true;
}

void Coordinator::close_stage() {
  if (state_ == StageState::kRunning) send_stop();
  state_ = StageState::kNone;
  tasks_.clear();
  waiting_.clear();
  results_.clear();
  for (Rank& rank : ranks_) {
    rank.hand.clear();
    rank.own.clear();
  }
}

int64_t Coordinator::num_workers() const {
  return std::count_if(ranks_.begin(), ranks_.end(),
                       [&](const Rank& rank) { return may_have_task(rank); });
}

bool Coordinator::wants_task() const {
  return state_ == StageState::kRunning && !is_exhausted_ && !is_stopping_ && !is_stage_stopping_ &&
         static_cast<int64_t>(waiting_.size()) + num_own_ <
             window_ * std::max(int64_t{1}, num_workers());
}

void Coordinator::add(CrewTask task) {
  if (state_ != StageState::kRunning || is_stopping_ || is_stage_stopping_) return;
  QK_CHECK(!is_exhausted_ && !std::isnan(task.size) && task.rank < num_ranks());
  if (task.rank >= 0) {
    const Rank& only = ranks_[static_cast<size_t>(task.rank)];
    QK_CHECK(only.takes_part || only.is_left_out);
  }
  task.stage = stage_;
  const int64_t id = task.id;
  const auto [place, is_new] = tasks_.try_emplace(id);
  QK_CHECK(is_new);
  place->second.order = num_added_++;
  place->second.task = std::make_shared<const CrewTask>(std::move(task));
  put_back(id, place->second);
  is_filled_ = is_filled_ || !wants_task();
  deal();
  look_at_stage();
}

void Coordinator::no_more_tasks() {
  is_exhausted_ = is_filled_ = true;
  deal();
  look_at_stage();
}

void Coordinator::stop_stage() {
  if (state_ != StageState::kRunning) return;
  is_stage_stopping_ = true;
  send_stop();
  look_at_stage();
}

void Coordinator::send_stop() {
  if (state_ != StageState::kRunning || is_stop_sent_) return;
  is_stop_sent_ = true;
  for (int rank = 0; rank < num_ranks(); ++rank) bring_up_to_date(rank);
}

void Coordinator::look_at_stage() {
  if (state_ != StageState::kRunning) return;
  if (is_exhausted_ && num_done_ == num_added_) {
    send_stop();
    state_ = StageState::kDone;
  } else if (is_over_ || ((is_stopping_ || is_stage_stopping_) && !is_anything_in_hand())) {
    state_ = StageState::kStopped;
  }
}

bool Coordinator::is_anything_in_hand() const {
  for (const Rank& rank : ranks_) {
    if (!is_ready(rank)) continue;
    for (const Held& held : rank.hand) {
      if (!tasks_.at(held.id).is_done) return true;
    }
  }
  return false;
}

std::shared_ptr<const CrewTask> Coordinator::largest_not_begun() const {
  std::shared_ptr<const CrewTask> largest;
  const auto look_at = [&](int64_t id) {
    const std::shared_ptr<const CrewTask>& task = tasks_.at(id).task;
    if (task != nullptr && (largest == nullptr || task->size > largest->size)) largest = task;
  };
  if (!waiting_.empty()) look_at(waiting_.begin()->id);
  for (const Rank& rank : ranks_) {
    for (const int64_t id : rank.own) look_at(id);
    for (const Held& held : rank.hand) {
      if (is_ready(rank) && held.ticket > rank.num_begun) look_at(held.id);
    }
  }
  return largest;
}

// ---- tasks and hands ----

void Coordinator::set_waiting(int64_t id, Task& task, bool waits) {
  if (task.waits == waits) return;
  task.waits = waits;
  const Waiting place = {task.task->size, task.order, id};
  if (waits) {
    waiting_.insert(place);
  } else {
    waiting_.erase(place);
  }
}

void Coordinator::finish_task(int64_t id, Task& task) {
  set_waiting(id, task, false);
  task.is_done = true;
  task.task = nullptr;  // its text is not needed any more
  ++num_done_;
}

// A task that nobody holds waits again, if it has no result.
void Coordinator::put_back(int64_t id, Task& task) {
  if (task.is_done || task.num_holders > 0 || task.waits) return;
  const int only = task.task->rank;
  if (only < 0) return set_waiting(id, task, true);
  Rank& rank = ranks_[static_cast<size_t>(only)];
  if (!rank.is_alive || rank.is_left_out) return finish_task(id, task);
  rank.own.push_back(id);
  ++num_own_;
}

std::optional<Coordinator::Held> Coordinator::drop_from_hand(Rank& rank, int64_t id) {
  const auto found = std::find_if(rank.hand.begin(), rank.hand.end(),
                                  [&](const Held& held) { return held.id == id; });
  if (found == rank.hand.end()) return std::nullopt;
  const Held held = *found;
  rank.hand.erase(found);
  const auto next = std::find_if(rank.hand.begin(), rank.hand.end(),
                                 [](const Held& other) { return other.since < 0; });
  if (held.since >= 0 && next != rank.hand.end()) next->since = now_;
  return held;
}

// The rank holds its tasks no longer, as far as others are concerned; how many wait now.
int64_t Coordinator::release_hand(int from) {
  int64_t num_waiting = 0;
  for (const Held& held : ranks_[static_cast<size_t>(from)].hand) {
    Task& task = tasks_.at(held.id);
    --task.num_holders;
    put_back(held.id, task);
    if (task.waits) ++num_waiting;
  }
  return num_waiting;
}

void Coordinator::give_up_own(Rank& rank) {
  for (const int64_t id : std::exchange(rank.own, {})) {
    --num_own_;
    finish_task(id, tasks_.at(id));
  }
}

}  // namespace qk
