#include "analysis/memory_gate.h"

#include <algorithm>

#include "base/machine_limits.h"

namespace qk {

MemoryGate::Hold::Hold(MemoryGate& gate, int64_t bytes) : gate_(gate), bytes_(bytes) {
  std::unique_lock lock(gate_.mutex_);
  gate_.changed_.wait(lock, [&] { return gate_.free_ >= bytes_ || gate_.num_holders_ == 0; });
  gate_.free_ -= bytes_;
  ++gate_.num_holders_;
}

MemoryGate::Hold::~Hold() {
  {
    const std::lock_guard lock(gate_.mutex_);
    gate_.free_ += bytes_;
    --gate_.num_holders_;
  }
  gate_.changed_.notify_all();
}

int64_t default_memory_budget() { return std::max(available_memory() / 2, int64_t{256} << 20); }

}  // namespace qk
