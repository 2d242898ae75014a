#include "cluster/crew.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/monotonic_clock.h"
#include "base/stopped.h"
#include "cluster/crew_sides.h"

namespace qk {
namespace {

constexpr int kMessagesPerTurn = 512;
constexpr int kQuietTurns = 20;  // after which the loop looks less often
constexpr double kQuietFactor = 5;

// The loop of one rank.
class CrewLoop {
 public:
  CrewLoop(Transport& transport, const CrewSides& sides, const CrewTimes& times)
      : transport_(transport),
        sides_(sides),
        times_(times),
        rank_(transport.rank()),
        worker_({.rank = rank_, .host = sides.host, .hello = sides.hello, .in_hand = sides.in_hand},
                times, bell_) {
    if (rank_ == 0) leader_.emplace(transport.size(), times, sides.warn, bell_);
  }

  CrewEnd run() {
    std::thread work, lead;
    std::string broken;
    try {
      work = std::thread([this] { worker_.run(sides_.work); });
      if (leader_) lead = std::thread([this] { leader_->run(sides_.lead); });
      greet();
      while (!is_over()) turn();
    } catch (const std::exception& error) {
      broken = error.what();
      break_off(broken);
    }
    if (work.joinable()) work.join();
    if (lead.joinable()) lead.join();
    return end(broken, broken.empty() && flush());
  }

 private:
  bool is_over() {
    if (!leader_) return worker_.with_follower([](Follower& f) { return f.is_ended(); });
    return leader_->with_coordinator([](Coordinator& c) { return c.is_over(); }) &&
           worker_.with_follower([](Follower& f) { return f.is_ended(); });
  }

  // The others wait for a first sign of life, whatever has arrived by now.
  void greet() {
    const double now = monotonic_seconds();
    if (leader_) leader_->with_coordinator([&](Coordinator& c) { c.tick(now); });
    send(now);
  }

  void turn() {
    bool is_busy = receive();
    const double now = monotonic_seconds();
    const bool is_stopped = sides_.stop != nullptr && sides_.stop->load();
    if (leader_) leader_->with_coordinator([&](Coordinator& c) { c.tick(now); });
    worker_.with_follower([&](Follower& f) {
      f.tick(now);
      if (is_stopped) f.stop();
    });
    is_busy = send(now) || is_busy;
    num_quiet_ = is_busy || !transport_.is_idle() ? 0 : num_quiet_ + 1;
    if (!is_busy) bell_.wait(times_.sleep * (num_quiet_ > kQuietTurns ? kQuietFactor : 1));
  }

  // True: there was a message.
  bool receive() {
    for (int i = 0; i < kMessagesPerTurn; ++i) {
      std::optional<Transport::Received> received = transport_.poll();
      if (!received) return i > 0;
      try {
        take(received->from, decode(std::move(received->bytes), received->from));
      } catch (const Error& error) {
        worker_.with_follower([&](Follower& f) { f.fail(error.what()); });
      }
    }
    return true;
  }

  void take(int from, Message message) {
    const double now = monotonic_seconds();
    if (leader_) {
      leader_->with_coordinator([&](Coordinator& c) { c.receive(from, std::move(message), now); });
    } else {
      worker_.with_follower([&](Follower& f) { f.receive(std::move(message), now); });
    }
  }

  // Rank 0 speaks with its own worker here. True: there was a message.
  bool send(double now) {
    bool is_busy = false;
    for (Message& message : worker_.with_follower([](Follower& f) { return f.take_sends(); })) {
      is_busy = true;
      if (leader_) {
        leader_->with_coordinator([&](Coordinator& c) { c.receive(0, std::move(message), now); });
      } else {
        transport_.send(0, encode(std::move(message)));
      }
    }
    if (!leader_) return is_busy;
    for (Coordinator::Send& send :
         leader_->with_coordinator([](Coordinator& c) { return c.take_sends(); })) {
      is_busy = true;
      if (send.to != 0) {
        transport_.send(send.to,
                        send.body ? encode(send.head, *send.body) : encode(std::move(send.head)));
        continue;
      }
      if (send.body) send.head.text = *send.body;
      worker_.with_follower([&](Follower& f) { f.receive(std::move(send.head), now); });
    }
    return is_busy;
  }

  void break_off(const std::string& sentence) {
    if (leader_) leader_->with_coordinator([&](Coordinator& c) { c.break_off(sentence); });
    worker_.with_follower([](Follower& f) { f.break_off(); });
  }

  // The last messages are to arrive; those to a lost rank never do. True: all ranks have left.
  bool flush() {
    const double end = monotonic_seconds() + (all_left() ? times_.lost : 2 * times_.beat);
    try {
      while (!transport_.is_idle()) {
        if (monotonic_seconds() > end) return false;
        transport_.poll();
        bell_.wait(times_.sleep);
      }
    } catch (const std::exception&) {
      return false;  // the work is done, only the way out is another
    }
    return all_left();
  }

  bool all_left() {
    if (leader_) return leader_->with_coordinator([](Coordinator& c) { return c.all_left(); });
    return worker_.with_follower([](Follower& f) { return f.all_left(); });
  }

  CrewEnd end(const std::string& broken, bool have_all_left) {
    CrewEnd end = {.all_left = have_all_left, .sentence = broken};
    if (leader_) leader_->give_warnings();
    if (sides_.left) sides_.left(end.all_left);
    if (leader_) {
      end.exit_code = leader_->result();
      return end;
    }
    worker_.with_follower([&](Follower& f) {
      end.exit_code = broken.empty() ? f.exit_code() : 1;
      if (broken.empty() && f.is_leader_lost() && !f.is_leaving()) {
        end.sentence = f.has_heard_leader()
                           ? fmt::format("rank 0: not heard of for {:g} s", times_.lost)
                           : "rank 0: nothing was heard of it after the start";
      }
    });
    return end;
  }

  Transport& transport_;
  const CrewSides& sides_;
  const CrewTimes times_;
  const int rank_;
  CrewBell bell_;
  WorkerSide worker_;
  std::optional<LeaderSide> leader_;
  int num_quiet_ = 0;
};

}  // namespace

CrewEnd run_crew(Transport& transport, const CrewSides& sides, const CrewTimes& times) {
  QK_CHECK(sides.work && (transport.rank() != 0 || sides.lead));
  return CrewLoop(transport, sides, times).run();
}

}  // namespace qk
