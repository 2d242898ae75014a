#include "plasticity/memory_gate.h"

#include <unistd.h>

#include <algorithm>

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

int64_t default_memory_budget() {
  const int64_t pages = ::sysconf(_SC_PHYS_PAGES);
  const int64_t page_bytes = ::sysconf(_SC_PAGE_SIZE);
  return std::max<int64_t>(pages * page_bytes / 2, int64_t{256} << 20);
}

}  // namespace qk
