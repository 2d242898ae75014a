#include "analysis/memory_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

namespace qk {
namespace {

// Asks for `bytes` on a thread of its own.
class Applicant {
 public:
  Applicant(MemoryGate& gate, int64_t bytes)
      : thread_([this, &gate, bytes] {
          const MemoryGate::Hold hold(gate, bytes);
          has_it_ = true;
        }) {}
  ~Applicant() { thread_.join(); }
  Applicant(const Applicant&) = delete;
  Applicant& operator=(const Applicant&) = delete;

  // Whether the part is still not granted after a time in which a free one would be.
  bool waits() const {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return !has_it_;
  }
  void wait_until_granted() const {
    while (!has_it_) std::this_thread::yield();
  }

 private:
  std::atomic<bool> has_it_ = false;
  std::thread thread_;
};

TEST(MemoryGate, GrantsWhatIsFreeAndMakesTheRestWait) {
  MemoryGate gate(100);
  std::optional<MemoryGate::Hold> first;
  first.emplace(gate, 60);
  const MemoryGate::Hold second(gate, 40);  // at once
  const Applicant third(gate, 1);
  EXPECT_TRUE(third.waits());
  first.reset();
  third.wait_until_granted();
}

TEST(MemoryGate, ATaskLargerThanTheBudgetRunsAlone) {
  MemoryGate gate(100);
  std::optional<MemoryGate::Hold> small;
  small.emplace(gate, 10);
  const Applicant large(gate, 500);
  EXPECT_TRUE(large.waits());
  small.reset();
  large.wait_until_granted();
  std::optional<MemoryGate::Hold> alone;
  alone.emplace(gate, 500);
  const Applicant other(gate, 1);
  EXPECT_TRUE(other.waits());
  alone.reset();
  other.wait_until_granted();
}

TEST(MemoryGate, StaysWithinTheBudget) {
  MemoryGate gate(100);
  std::atomic<int64_t> held = 0;
  std::atomic<int64_t> most = 0;
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, bytes = 20 + 5 * i] {
      for (int round = 0; round < 200; ++round) {
        const MemoryGate::Hold hold(gate, bytes);
        const int64_t now = held += bytes;
        for (int64_t seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        held -= bytes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 100);
}

TEST(MemoryGate, DefaultBudgetIsAtLeastAQuarterOfAGibibyte) {
  EXPECT_GE(default_memory_budget(), int64_t{256} << 20);
}

}  // namespace
}  // namespace qk
