// A clock that only goes forward.
#pragma once

#include <chrono>

namespace qk {

// Seconds since some moment before this process began.
inline double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace qk
