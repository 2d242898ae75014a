// A stop that the user or the batch system asked for.
#pragma once

#include <exception>

namespace qk {

// Thrown out of work that was asked to stop and has nothing to keep. Exit code 75.
class Stopped : public std::exception {
 public:
  const char* what() const noexcept override { return "stopped"; }
};

}  // namespace qk
