#include "cluster/follower.h"

#include <algorithm>

#include "base/error.h"

namespace qk {
namespace {

constexpr int kStoppedCode = 75;

}  // namespace

Follower::Follower(const Setting& setting, const CrewTimes& times, double now)
    : setting_(setting),
      times_(times),
      leader_heard_(now),
      last_tick_(now),
      next_beat_(now + times.beat) {
  QK_CHECK(setting.in_hand > 0);
  send(MessageType::kHello, 0, printable(setting.host) + "\n" + setting.hello);
}

void Follower::send(MessageType type, int64_t number, std::string text) {
  if (is_gone_) return;
  sends_.push_back({.type = type, .stage = stage_, .number = number, .text = std::move(text)});
}

// ---- what rank 0 says ----

void Follower::receive(Message message, double now) {
  leader_heard_ = now;
  has_heard_leader_ = true;
  if (is_ended_) return;
  is_changed_ = is_changed_ || message.type != MessageType::kAlive;
  switch (message.type) {
    case MessageType::kAlive:
      break;
    case MessageType::kStage:
      if (!is_over()) {
        next_stage_ = {message.stage, std::move(message.text)};
        queue_.clear();  // rank 0 wants no result of the stage before
      }
      break;
    case MessageType::kTask:
      hear_task(std::move(message));
      break;
    case MessageType::kTakeBack:
      take_back(message);
      break;
    case MessageType::kStop:
      if (next_stage_.has_value() && next_stage_->stage == message.stage) next_stage_.reset();
      if (stage_ == message.stage) {
        is_stage_over_ = true;
        return_queue();
      }
      break;
    case MessageType::kLeave:
      if (is_leader_lost_) break;
      is_leaving_ = true;
      exit_code_ = static_cast<int>(message.number);
      next_stage_.reset();
      queue_.clear();
      break;
    case MessageType::kEnd:
      if (!is_gone_) lose_leader();  // it did not hear of this rank for too long
      is_ended_ = is_gone_;
      all_left_ = is_gone_ && !is_leader_lost_ && message.number == 1;
      break;
    default:
      fail(fmt::format("rank 0 sent a message of type {}, which only it receives",
                       static_cast<int>(message.type)));
  }
}

void Follower::hear_task(Message&& message) {
  if (message.stage != stage_ || next_stage_.has_value()) return;
  --num_wanted_;
  queue_.push_back({.stage = stage_, .id = message.number, .text = std::move(message.text)});
  if (ended()) return_queue();
}

void Follower::take_back(const Message& message) {
  if (message.stage != stage_ || next_stage_.has_value()) return;
  const auto found = std::find_if(queue_.begin(), queue_.end(),
                                  [&](const CrewTask& task) { return task.id == message.number; });
  if (found == queue_.end()) {
    send(MessageType::kBeat, num_begun_);
    return;
  }
  queue_.erase(found);
  send(MessageType::kReturn, message.number);
  want();
}

void Follower::tick(double now) {
  const double late = now - std::exchange(last_tick_, now);
  if (late > times_.lost / 2) leader_heard_ = now;  // this process stood still itself
  if (is_ended_) return;
  const double patience = has_heard_leader_ ? times_.lost : std::max(times_.lost, times_.start);
  if (setting_.rank != 0 && now - leader_heard_ > patience) lose_leader();
  if (is_over() && is_work_ended_ && !is_gone_) {
    send(MessageType::kGone);
    is_gone_ = true;
  }
  if (is_leader_lost_ && is_gone_) is_ended_ = true;
  // Before rank 0 listens, its hello is enough.
  if (!is_gone_ && now >= next_beat_ && (has_heard_leader_ || setting_.rank == 0)) {
    next_beat_ = now + times_.beat;
    send(MessageType::kBeat, num_begun_, std::exchange(progress_, {}));
  }
}

void Follower::lose_leader() {
  if (std::exchange(is_leader_lost_, true)) return;
  is_changed_ = true;
  if (!is_leaving_) exit_code_ = kStoppedCode;
  next_stage_.reset();
  queue_.clear();
}

void Follower::break_off() { lose_leader(); }

void Follower::stop() {
  if (std::exchange(is_stopping_, true)) return;
  is_changed_ = true;
  send(MessageType::kSignal);
  return_queue();
}

// ---- what the worker does ----

std::optional<Worker::Begin> Follower::take_stage() {
  if (stage_ != 0 && !next_stage_.has_value()) {
    return_queue();
    for (const int64_t id : begun_) send(MessageType::kReturn, id);
  }
  begun_.clear();
  is_stage_over_ = true;
  if (is_over() || !next_stage_.has_value()) return std::nullopt;
  std::optional<Worker::Begin> begin = std::exchange(next_stage_, std::nullopt);
  stage_ = begin->stage;
  is_stage_over_ = false;
  num_begun_ = num_wanted_ = 0;
  want();
  return begin;
}

std::optional<CrewTask> Follower::take_task() {
  if (ended() || queue_.empty()) return std::nullopt;
  CrewTask task = std::move(queue_.front());
  queue_.pop_front();
  begun_.push_back(task.id);
  ++num_begun_;
  return task;
}

bool Follower::ended() const {
  return is_over() || is_stopping_ || is_failed_ || is_stage_over_ || next_stage_.has_value();
}

void Follower::add_result(const CrewTask& task, std::string text) {
  if (task.stage != stage_) return;
  const auto found = std::find(begun_.begin(), begun_.end(), task.id);
  if (found == begun_.end()) return;
  begun_.erase(found);
  send(MessageType::kResult, task.id, std::move(text));
  want();
}

void Follower::want() {
  if (ended()) return;
  const int64_t more =
      setting_.in_hand - static_cast<int64_t>(queue_.size() + begun_.size()) - num_wanted_;
  if (more <= 0) return;
  num_wanted_ += more;
  send(MessageType::kWant, more);
}

void Follower::return_queue() {
  for (const CrewTask& task : queue_) send(MessageType::kReturn, task.id);
  queue_.clear();
}

void Follower::fail(std::string sentence) {
  if (std::exchange(is_failed_, true)) return;
  is_changed_ = true;
  send(MessageType::kFault, 0, std::move(sentence));
  return_queue();
}

void Follower::end_work() {
  if (!is_over() && !is_failed_ && !is_stopping_) {
    fail("its work ended before the run");
  }
  return_queue();
  for (const int64_t id : std::exchange(begun_, {})) send(MessageType::kReturn, id);
  is_stage_over_ = true;
  is_work_ended_ = true;
}

}  // namespace qk
