#include "kernels/scratch.h"

#include <cstdlib>
#include <new>

namespace qk {

void Scratch::Free::operator()(float* data) const { std::free(data); }

float* Scratch::floats(size_t count) {
  if (count > count_) {
    constexpr size_t kAlignment = 4096;
    const size_t bytes = (count * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
    data_.reset();
    count_ = 0;
    data_.reset(static_cast<float*>(std::aligned_alloc(kAlignment, bytes)));
    if (!data_) throw std::bad_alloc();
    count_ = count;
  }
  return data_.get();
}

Scratch& Scratch::shared_operand() {
  static thread_local Scratch scratch;
  return scratch;
}

Scratch& Scratch::task() {
  static thread_local Scratch scratch;
  return scratch;
}

}  // namespace qk
