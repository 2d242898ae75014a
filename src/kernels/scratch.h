// Work memory that a thread keeps between calls: grows to the largest need, aligned to cache lines.
#pragma once

#include <cstddef>
#include <memory>

namespace qk {

class Scratch {
 public:
  // At least `count` numbers, contents arbitrary; earlier pointers of this object become invalid.
  float* floats(size_t count);

  // The calling thread's own, one per purpose: operands that all tasks of a call share (held by the
  // thread that calls the operation), and what one task needs.
  static Scratch& shared_operand();
  static Scratch& task();

 private:
  struct Free {
    void operator()(float* data) const;
  };
  std::unique_ptr<float, Free> data_;
  size_t count_ = 0;
};

}  // namespace qk
