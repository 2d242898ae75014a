// What malloc has given out, for tests of memory accounting only.
#pragma once

#include <malloc.h>

#include <cstdint>
#include <iterator>
#include <vector>

namespace qk {

// Bytes that malloc has given out. Small pieces that were freed and that glibc keeps for the thread count too, but
// not in ctest, which sets GLIBC_TUNABLES (cmake/module.cmake).
inline int64_t allocated_bytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
}

// False where another allocator is at work, as under sanitizers.
inline bool allocations_are_counted() {
  const int64_t before = allocated_bytes();
  const std::vector<char> block(1 << 20);
  return allocated_bytes() - before >= std::ssize(block);
}

}  // namespace qk
