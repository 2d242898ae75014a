// What rank 0 knows and decides, as a state machine: events in (a message, the time, a task of the
// leader), messages to ranks, results and sentences out. It waits for nothing and knows no clock:
// `now` is in seconds, of any clock that never goes back. Threads: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cluster/crew.h"
#include "cluster/message.h"

namespace qk {

class Coordinator {
 public:
  struct Send {
    int to = 0;
    Message head;
    std::shared_ptr<const std::string> body;  // instead of the text of `head`, if there is one
  };
  enum class StageState : uint8_t {
    kNone,
    kRunning,
    kDone,     // every task has its result
    kStopped,  // not so, and nothing is in hand any more
  };

  Coordinator(int num_ranks, const CrewTimes& times, double now);

  // From the ranks and the clock.
  void receive(int from, Message message, double now);
  void tick(double now);  // often, after the messages that have arrived

  // The run is to stop: no task of this stage or a later one is dealt any more.
  void stop();
  // As stop(), because of this. The first sentence counts. After leave() it is only a warning.
  void fail(std::string sentence);
  // Messages are not carried any more: nothing is waited for from now on.
  void break_off(std::string sentence);

  // From the leader. REQUIRES of the first two: no stage is running.
  void leave_out(int rank);  // it hears of no later stage
  //   ranks  as Leader::Stage::ranks
  void begin_stage(std::string text, int64_t window, double now,
                   const std::vector<uint8_t>& ranks = {});
  bool wants_task() const;  // the window has room
  void add(CrewTask task);
  void no_more_tasks();
  void stop_stage();   // deal no further task of this one
  void close_stage();  // after its end, or to give it up
  StageState stage_state() const { return state_; }
  // The largest task that no worker has begun, as far as is known here; null: there is none.
  std::shared_ptr<const CrewTask> largest_not_begun() const;
  // The work of the leader is over.
  void leave(int exit_code);

  // What has come of it; taken once.
  std::vector<Send> take_sends() { return std::exchange(sends_, {}); }
  std::vector<CrewResult> take_results() { return std::exchange(results_, {}); }
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }
  // Whether there is something new for the leader since the last call.
  bool take_changed() { return std::exchange(is_changed_, false); }
  bool has_news() const { return !results_.empty() || !warnings_.empty(); }

  int num_ranks() const { return static_cast<int>(ranks_.size()); }
  bool is_stopping() const { return is_stopping_; }
  const std::string& fault() const { return fault_; }  // a sentence; empty: none
  std::vector<int> without_hello(bool lost_only) const;
  // All have said hello, and none had left by then.
  bool is_complete() const { return is_complete_; }
  std::vector<RankState> ranks() const;
  bool is_leaving() const { return is_leaving_; }
  bool is_over() const { return is_over_; }  // all that are alive have left
  bool all_left() const { return is_over_ && all_left_; }

 private:
  struct Held {
    int64_t id = 0;
    int64_t ticket = 0;  // of the rank in this stage; begun in this order
    double since = 0;    // when it was begun, as far as is known here; below 0: not yet
    bool is_asked_back = false;
  };
  struct Rank {
    bool has_hello = false;
    bool is_alive = true;
    bool is_gone = false;
    bool is_left_out = false;  // of all stages from now on
    double heard = 0;
    bool takes_part = true;  // in this stage
    int32_t stage = 0;       // the last whose text it got
    bool got_stop = false;   // of that stage
    bool got_leave = false;
    int64_t credit = 0;                    // tasks that it asked for and did not get yet
    int64_t lanes = 1;                     // tasks that it computes at once
    int64_t num_dealt = 0, num_begun = 0;  // of this stage
    std::vector<Held> hand;                // of this stage
    std::vector<int64_t> own;              // tasks that only this rank may do and did not get yet
    RankState state;
  };
  struct Task {
    std::shared_ptr<const CrewTask> task;
    int64_t order = 0;
    int num_holders = 0;  // ranks that are alive
    bool waits = false;   // in waiting_
    bool is_done = false;
  };
  struct Waiting {
    double size;
    int64_t order, id;
    bool operator<(const Waiting& other) const {
      return size != other.size ? size > other.size : order < other.order;
    }
  };

  bool is_ready(const Rank& rank) const { return rank.has_hello && rank.is_alive && !rank.is_gone; }
  bool may_have_task(const Rank& rank) const { return is_ready(rank) && rank.takes_part; }
  static bool is_idle(const Rank& rank) {
    return static_cast<int64_t>(rank.hand.size()) < rank.lanes;
  }
  std::string name(int rank) const;
  void hear(int rank, Message&& message);
  void hear_hello(Rank& rank, const std::string& text);
  void hear_begun(Rank& rank, int64_t num_begun);
  void hear_of_task(int rank, Message&& message);
  void hear_signal(int rank);
  void hear_gone(int rank);
  void revive(int rank, double now);
  void lose(int rank);
  void bring_up_to_date(int rank);
  void hear_want(Rank& rank, const Message& message);
  void note_duration(const Held& held, const CrewTask& task);
  double patience(const Rank& rank) const;
  bool is_soon_through(const Rank& rank) const;
  int64_t release_hand(int rank);
  void give_up_own(Rank& rank);
  std::optional<Held> drop_from_hand(Rank& rank, int64_t id);
  void put_back(int64_t id, Task& task);
  void set_waiting(int64_t id, Task& task, bool waits);
  void finish_task(int64_t id, Task& task);
  void send(int to, MessageType type, int64_t number = 0, std::string text = {});
  void send_stop();
  void deal();
  void deal_own();
  void ask_back();
  int best_rank() const;
  void give(int rank, int64_t id);
  void look_at_stage();
  void look_at_leaving();
  bool is_anything_in_hand() const;
  int64_t num_workers() const;

  const CrewTimes times_;
  std::vector<Rank> ranks_;
  double now_ = 0, last_tick_ = 0, next_alive_ = 0, next_look_ = 0;
  bool is_complete_ = false, is_stopping_ = false;
  std::string fault_;
  bool is_leaving_ = false, is_over_ = false, all_left_ = true;
  int exit_code_ = 0;

  int32_t stage_ = 0;
  StageState state_ = StageState::kNone;
  std::shared_ptr<const std::string> stage_text_;
  int64_t window_ = 0;
  double stage_begin_ = 0;
  bool is_filled_ = false;     // the window was full once: tasks are dealt
  bool is_exhausted_ = false;  // the leader has no more
  bool is_stage_stopping_ = false, is_stop_sent_ = false;
  int64_t num_added_ = 0, num_done_ = 0, num_own_ = 0;
  int64_t total_credit_ = 0;
  double seconds_per_size_ = 0, seconds_per_task_ = 0;  // of late; 0: not known yet
  std::unordered_map<int64_t, Task> tasks_;
  std::set<Waiting> waiting_;

  bool is_changed_ = false;
  std::vector<Send> sends_;
  std::vector<CrewResult> results_;
  std::vector<std::string> warnings_;
};

}  // namespace qk
