// Keeps the tasks that run at the same time within a memory budget.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace qk {

class MemoryGate {
 public:
  explicit MemoryGate(int64_t budget_bytes) : free_(budget_bytes) {}

  // Holds a part of the budget while it lives. Waits until the part is free, or until no other
  // part is held: a task larger than the budget runs alone.
  class Hold {
   public:
    Hold(MemoryGate& gate, int64_t bytes);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    MemoryGate& gate_;
    int64_t bytes_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t free_;
  int num_holders_ = 0;
};

// Half of the memory that this process may use, at least 256 MiB.
int64_t default_memory_budget();

}  // namespace qk
