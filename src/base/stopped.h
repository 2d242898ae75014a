// A stop that the user or the batch system asked for.
#pragma once

#include <atomic>
#include <exception>

namespace qk {

// Thrown out of work that was asked to stop and has nothing to keep. Exit code 75.
class Stopped : public std::exception {
 public:
  const char* what() const noexcept override { return "stopped"; }
};

// Throws Stopped if the flag is there and set.
inline void refuse_stopped(const std::atomic<bool>* stop) {
  if (stop != nullptr && stop->load(std::memory_order_relaxed)) throw Stopped();
}

}  // namespace qk
