#include "cluster/coordinator.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace qk {
namespace {

constexpr int64_t kMostWanted = 1 << 20;  // tasks in one message; more is no message of ours

size_t rank_index(int rank) { return static_cast<size_t>(rank); }

std::string given_text(int64_t num_tasks) {
  if (num_tasks == 0) return "";
  if (num_tasks == 1) return "; its task is given to another";
  return fmt::format("; its {} tasks are given to others", num_tasks);
}

}  // namespace

Coordinator::Coordinator(int num_ranks, const CrewTimes& times, double now)
    : times_(times),
      ranks_(rank_index(num_ranks)),
      last_tick_(now),
      next_alive_(now),
      next_look_(now) {
  QK_CHECK(num_ranks > 0);
  for (Rank& rank : ranks_) rank.heard = now;
}

std::string Coordinator::name(int rank) const {
  const std::string& host = ranks_[rank_index(rank)].state.host;
  return host.empty() ? fmt::format("rank {}", rank) : fmt::format("{} (rank {})", host, rank);
}

void Coordinator::send(int to, MessageType type, int64_t number, std::string text) {
  sends_.push_back(
      {to, {.type = type, .stage = stage_, .number = number, .text = std::move(text)}, nullptr});
}

// ---- what ranks say ----

void Coordinator::receive(int from, Message message, double now) {
  Rank& rank = ranks_.at(rank_index(from));
  if (rank.is_gone || is_over_) return;
  rank.heard = now_ = now;
  is_changed_ = is_changed_ || message.type != MessageType::kBeat;
  if (!rank.is_alive && message.type != MessageType::kGone) revive(from, now);
  if (!rank.has_hello && message.type != MessageType::kHello) {
    if (message.type == MessageType::kFault) fail(name(from) + ": " + message.text);
    if (message.type == MessageType::kGone) hear_gone(from);
    return;
  }
  hear(from, std::move(message));
  look_at_stage();
  look_at_leaving();
}

void Coordinator::hear(int from, Message&& message) {
  Rank& rank = ranks_[rank_index(from)];
  const bool is_of_stage = message.stage == stage_ && state_ == StageState::kRunning;
  switch (message.type) {
    case MessageType::kHello:
      hear_hello(rank, message.text);
      bring_up_to_date(from);
      break;
    case MessageType::kWant:
      if (is_of_stage) hear_want(rank, message);
      break;
    case MessageType::kResult:
    case MessageType::kReturn:
      if (is_of_stage) hear_of_task(from, std::move(message));
      break;
    case MessageType::kBeat:
      if (is_of_stage) hear_begun(rank, message.number);
      if (!message.text.empty()) rank.state.progress = std::move(message.text);
      break;
    case MessageType::kFault:
      fail(name(from) + ": " + message.text);
      break;
    case MessageType::kSignal:
      hear_signal(from);
      break;
    case MessageType::kGone:
      hear_gone(from);
      break;
    default:
      fail(fmt::format("{}: sent a message of type {}, which only rank 0 sends", name(from),
                       static_cast<int>(message.type)));
  }
}

void Coordinator::hear_hello(Rank& rank, const std::string& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  rank.state.host = printable(text.substr(0, end));
  rank.state.hello = text.substr(std::min(end + 1, text.size()));
  rank.has_hello = true;
}

void Coordinator::hear_want(Rank& rank, const Message& message) {
  if (message.number < 0 || message.number > kMostWanted) return;
  if (rank.num_dealt == 0 && rank.credit == 0) {
    rank.lanes = std::max(int64_t{1}, message.number - 1);
  }
  rank.credit += message.number;
  total_credit_ += message.number;
  deal();
}

void Coordinator::hear_begun(Rank& rank, int64_t num_begun) {
  if (num_begun <= rank.num_begun) return;
  rank.num_begun = num_begun;
  deal();
}

void Coordinator::hear_of_task(int from, Message&& message) {
  Rank& rank = ranks_[rank_index(from)];
  const auto found = tasks_.find(message.number);
  if (found == tasks_.end()) return;
  Task& task = found->second;
  const std::optional<Held> held = drop_from_hand(rank, message.number);
  if (held) --task.num_holders;
  if (message.type == MessageType::kReturn) {
    if (!held || !held->is_asked_back) total_credit_ -= std::exchange(rank.credit, 0);
    put_back(message.number, task);
  } else if (!task.is_done) {
    if (held) note_duration(*held, *task.task);
    finish_task(message.number, task);
    ++rank.state.num_results;
    results_.push_back({message.number, from, std::move(message.text)});
  }
  deal();
}

// Most often all ranks get it: said once.
void Coordinator::hear_signal(int from) {
  if (!is_stopping_ && !is_leaving_) {
    warnings_.push_back(name(from) +
                        ": received a signal; all ranks finish the work in progress, then stop");
  }
  stop();
}

void Coordinator::hear_gone(int from) {
  Rank& rank = ranks_[rank_index(from)];
  const bool was_alive = rank.is_alive;
  rank.is_gone = true;
  rank.is_alive = false;
  const int64_t num_given = was_alive ? release_hand(from) : 0;
  rank.hand.clear();
  give_up_own(rank);
  if (rank.got_leave) return;
  all_left_ = false;
  if (!is_complete_ && stage_ == 0 && !is_leaving_) {
    return fail(name(from) + ": left before all ranks had begun");
  }
  warnings_.push_back(fmt::format("{}: left before the end{}", name(from), given_text(num_given)));
  deal();
}

// ---- who is alive ----

void Coordinator::revive(int from, double now) {
  Rank& rank = ranks_[rank_index(from)];
  rank.is_alive = true;
  is_changed_ = true;
  warnings_.push_back(fmt::format("{}: heard of again", name(from)));
  for (const Held& held : rank.hand) {
    Task& task = tasks_.at(held.id);
    ++task.num_holders;
    set_waiting(held.id, task, false);
  }
  rank.heard = now;
  bring_up_to_date(from);
}

// A rank that was never heard of may still prepare its work. At the end nobody waits for that.
double Coordinator::patience(const Rank& rank) const {
  return rank.has_hello || is_leaving_ ? times_.lost : std::max(times_.lost, times_.start);
}

void Coordinator::lose(int lost) {
  Rank& rank = ranks_[rank_index(lost)];
  rank.is_alive = false;
  is_changed_ = true;
  const int64_t num_given = release_hand(lost);
  give_up_own(rank);
  warnings_.push_back(fmt::format("{}: not heard of for {:g} s{}", name(lost), patience(rank),
                                  given_text(num_given)));
  deal();
  look_at_stage();
  look_at_leaving();
}

void Coordinator::bring_up_to_date(int to) {
  Rank& rank = ranks_[rank_index(to)];
  if (!is_ready(rank)) return;
  if (is_leaving_) {
    if (!rank.got_leave) send(to, MessageType::kLeave, to != 0 && exit_code_ == 1 ? 0 : exit_code_);
    rank.got_leave = true;
  } else if (rank.stage == stage_) {
    if (is_stop_sent_ && !rank.got_stop) send(to, MessageType::kStop);
    rank.got_stop = is_stop_sent_;
  } else if (state_ == StageState::kRunning && !is_stop_sent_ && rank.takes_part) {
    rank.stage = stage_;
    rank.got_stop = false;
    sends_.push_back({to, {.type = MessageType::kStage, .stage = stage_}, stage_text_});
  }
}

void Coordinator::tick(double now) {
  now_ = now;
  if (is_over_) return;
  if (!is_complete_ && without_hello(false).empty()) is_complete_ = is_changed_ = true;
  const double late = now - std::exchange(last_tick_, now);
  if (late > times_.lost / 2) {
    for (Rank& rank : ranks_) rank.heard = now;
    warnings_.push_back(fmt::format("{}: stood still for {:.3g} s", name(0), late));
  }
  if (now >= next_alive_) {
    next_alive_ = now + times_.beat;
    for (int to = 1; to < num_ranks(); ++to) {
      const Rank& rank = ranks_[rank_index(to)];
      const bool may_come_back = now - rank.heard < 2 * times_.lost;
      if (!rank.is_gone && (rank.is_alive || may_come_back)) send(to, MessageType::kAlive);
    }
  }
  if (now >= next_look_) {
    next_look_ = now + times_.beat / 4;
    for (int i = 1; i < num_ranks(); ++i) {
      const Rank& rank = ranks_[rank_index(i)];
      if (rank.is_alive && now - rank.heard > patience(rank)) lose(i);
    }
    deal();
  }
  if (state_ == StageState::kRunning && !is_filled_ && now - stage_begin_ >= times_.fill) {
    is_filled_ = true;
    deal();
  }
}

// ---- how it ends ----

void Coordinator::stop() {
  if (std::exchange(is_stopping_, true)) return;
  is_changed_ = true;
  send_stop();
  look_at_stage();
}

void Coordinator::fail(std::string sentence) {
  if (is_leaving_) {
    if (fault_.empty()) warnings_.push_back(std::move(sentence));
    return;
  }
  if (fault_.empty()) fault_ = std::move(sentence);
  stop();
}

void Coordinator::break_off(std::string sentence) {
  for (Rank& rank : ranks_) rank.is_alive = false;
  all_left_ = false;
  is_over_ = is_changed_ = true;
  fail(std::move(sentence));
  look_at_stage();
}

void Coordinator::leave(int exit_code) {
  if (is_leaving_) return;
  close_stage();
  exit_code_ = exit_code;
  is_leaving_ = true;
  for (Rank& rank : ranks_) {
    if (!rank.has_hello) rank.heard = now_;
  }
  for (int rank = 0; rank < num_ranks(); ++rank) bring_up_to_date(rank);
  look_at_leaving();
}

void Coordinator::look_at_leaving() {
  if (!is_leaving_ || is_over_) return;
  for (const Rank& rank : ranks_) {
    if (rank.is_alive) return;
  }
  for (const Rank& rank : ranks_) all_left_ = all_left_ && rank.is_gone;
  is_over_ = true;
  for (int to = 0; to < num_ranks(); ++to) {
    if (ranks_[rank_index(to)].got_leave) send(to, MessageType::kEnd, all_left_ ? 1 : 0);
  }
}

std::vector<int> Coordinator::without_hello(bool lost_only) const {
  std::vector<int> found;
  for (int rank = 0; rank < num_ranks(); ++rank) {
    const Rank& of = ranks_[rank_index(rank)];
    if (!of.has_hello && (!lost_only || !of.is_alive)) found.push_back(rank);
  }
  return found;
}

std::vector<RankState> Coordinator::ranks() const {
  std::vector<RankState> states;
  states.reserve(ranks_.size());
  for (const Rank& rank : ranks_) {
    states.push_back(rank.state);
    states.back().is_alive = is_ready(rank);
  }
  return states;
}

}  // namespace qk
