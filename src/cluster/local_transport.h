// Ranks as threads of one process, for tests: queues instead of a network, and faults on demand.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

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

}  // namespace qk
