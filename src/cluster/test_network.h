// For tests only: ranks as threads of one process, with queues instead of a network, and faults on
// demand.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cluster/transport.h"

namespace qk {

// Threads: any.
class LocalNetwork {
 public:
  explicit LocalNetwork(int size);

  int size() const { return static_cast<int>(boxes_.size()); }

  // For the thread of this rank. REQUIRES: the network outlives it.
  std::unique_ptr<Transport> transport(int rank);

  // From now on nothing arrives at this rank or comes from it, as if its process had been killed;
  // messages under way are lost too.
  void drop(int rank);

  // What this rank sends from now on takes so long. Its order stays.
  void delay(int rank, double seconds);

  // Called before each message is sent, by the thread of its sender; false: it is lost. It may change
  // the bytes.
  using Hook = std::function<bool(int from, int to, std::string& bytes)>;
  void set_hook(Hook hook);

 private:
  friend class LocalTransport;
  using Clock = std::chrono::steady_clock;
  struct Letter {
    Clock::time_point due;
    std::string bytes;
  };
  struct Box {
    std::vector<std::deque<Letter>> from;  // [ranks]
    int next = 0;                          // rank whose letters are looked at first
    bool is_dropped = false;
    Clock::duration delay = {};
  };

  void send(int from, int to, std::string bytes);
  std::optional<Transport::Received> poll(int rank);

  std::mutex mutex_;
  std::vector<Box> boxes_;  // [ranks]
  std::shared_ptr<const Hook> hook_;
};

class LocalTransport : public Transport {
 public:
  LocalTransport(LocalNetwork& network, int rank) : network_(network), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return network_.size(); }
  void send(int to, std::string bytes) override { network_.send(rank_, to, std::move(bytes)); }
  std::optional<Received> poll() override { return network_.poll(rank_); }
  bool is_idle() override { return true; }

 private:
  LocalNetwork& network_;
  const int rank_;
};

inline LocalNetwork::LocalNetwork(int size) : boxes_(static_cast<size_t>(size)) {
  for (Box& box : boxes_) box.from.resize(static_cast<size_t>(size));
}

inline std::unique_ptr<Transport> LocalNetwork::transport(int rank) {
  QK_CHECK(rank >= 0 && rank < size());
  return std::make_unique<LocalTransport>(*this, rank);
}

inline void LocalNetwork::drop(int rank) {
  const std::lock_guard lock(mutex_);
  boxes_.at(static_cast<size_t>(rank)).is_dropped = true;
  for (auto& letters : boxes_[static_cast<size_t>(rank)].from) letters.clear();
  for (Box& box : boxes_) box.from[static_cast<size_t>(rank)].clear();
}

inline void LocalNetwork::delay(int rank, double seconds) {
  const std::lock_guard lock(mutex_);
  boxes_.at(static_cast<size_t>(rank)).delay =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

inline void LocalNetwork::set_hook(Hook hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::make_shared<const Hook>(std::move(hook));
}

inline void LocalNetwork::send(int from, int to, std::string bytes) {
  QK_CHECK(to >= 0 && to < size());
  std::shared_ptr<const Hook> hook;
  {
    const std::lock_guard lock(mutex_);
    hook = hook_;
  }
  if (hook != nullptr && *hook && !(*hook)(from, to, bytes)) return;
  const std::lock_guard lock(mutex_);
  const Box& sender = boxes_[static_cast<size_t>(from)];
  Box& box = boxes_[static_cast<size_t>(to)];
  if (sender.is_dropped || box.is_dropped) return;
  box.from[static_cast<size_t>(from)].push_back({Clock::now() + sender.delay, std::move(bytes)});
}

inline std::optional<Transport::Received> LocalNetwork::poll(int rank) {
  const std::lock_guard lock(mutex_);
  Box& box = boxes_[static_cast<size_t>(rank)];
  const Clock::time_point now = Clock::now();
  for (int i = 0; i < size(); ++i) {
    const int from = (box.next + i) % size();
    std::deque<Letter>& letters = box.from[static_cast<size_t>(from)];
    if (letters.empty() || letters.front().due > now) continue;
    Transport::Received received = {from, std::move(letters.front().bytes)};
    letters.pop_front();
    box.next = (from + 1) % size();
    return received;
  }
  return std::nullopt;
}

}  // namespace qk
