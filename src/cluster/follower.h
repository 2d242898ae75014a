// What the loop of a rank knows of its worker, as a state machine: events in (a message of rank 0,
// the time, what the worker did), messages to rank 0 out. It waits for nothing and knows no clock:
// `now` is in seconds, of any clock that never goes back. Threads: one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/crew.h"
#include "cluster/message.h"

namespace qk {

class Follower {
 public:
  struct Setting {
    int rank = 0;
    std::string host, hello;
    int in_hand = 2;  // tasks at most, those that are computed included
  };

  Follower(const Setting& setting, const CrewTimes& times, double now);

  // From rank 0 and the clock.
  void receive(Message message, double now);
  void tick(double now);  // often, after the messages that have arrived
  void stop();            // this rank was asked to stop
  // No message will come any more.
  void break_off();

  // Whether there is something new for the worker since the last call.
  bool take_changed() { return std::exchange(is_changed_, false); }
  std::vector<Message> take_sends() { return std::exchange(sends_, {}); }

  // From the worker; as in crew.h, but nothing waits.
  std::optional<Worker::Begin> take_stage();
  std::optional<CrewTask> take_task();
  bool ended() const;
  // No stage will come.
  bool is_over() const { return is_leaving_ || is_leader_lost_; }
  void add_result(const CrewTask& task, std::string text);
  void show(std::string progress) { progress_ = std::move(progress); }
  void fail(std::string sentence);  // its work failed, or its loop
  void end_work();                  // its thread has ended

  // The loop may end: all ranks have left, or rank 0 is lost and nothing is in hand any more.
  bool is_ended() const { return is_ended_; }
  bool all_left() const { return all_left_; }
  bool is_leaving() const { return is_leaving_; }
  bool is_leader_lost() const { return is_leader_lost_; }
  bool has_heard_leader() const { return has_heard_leader_; }
  int exit_code() const { return exit_code_; }

 private:
  void send(MessageType type, int64_t number = 0, std::string text = {});
  void hear_task(Message&& message);
  void take_back(const Message& message);
  void want();
  void return_queue();
  void lose_leader();

  const Setting setting_;
  const CrewTimes times_;
  double leader_heard_, last_tick_, next_beat_;
  bool has_heard_leader_ = false;
  bool is_stopping_ = false, is_failed_ = false;
  bool is_leaving_ = false, is_leader_lost_ = false;
  bool is_work_ended_ = false, is_gone_ = false, is_ended_ = false, all_left_ = false;
  int exit_code_ = 0;

  int32_t stage_ = 0;  // 0: none
  bool is_stage_over_ = false;
  std::optional<Worker::Begin> next_stage_;
  std::deque<CrewTask> queue_;  // not begun
  std::vector<int64_t> begun_;  // and without a result
  int64_t num_begun_ = 0;       // of this stage
  int64_t num_wanted_ = 0;      // asked for and not yet here
  bool is_changed_ = false;
  std::string progress_;
  std::vector<Message> sends_;
};

}  // namespace qk
