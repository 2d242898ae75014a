#include "model/float_buffer.h"

#include <cstring>

#include "base/error.h"

namespace qk {

FloatBuffer::FloatBuffer(int64_t size) : size_(size) {
  constexpr size_t kAlignment = 64;
  if (size == 0) return;
  const size_t bytes =
      (static_cast<size_t>(size) * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
  data_.reset(static_cast<float*>(std::aligned_alloc(kAlignment, bytes)));
  if (data_ == nullptr) {
    fail("memory: expected {} MiB for activations, found less (use a smaller batch)",
         bytes / (size_t{1} << 20));
  }
  std::memset(data_.get(), 0, bytes);
}

}  // namespace qk
