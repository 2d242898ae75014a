// Work memory of the layer loop, from a backend's table; freed with the object, which must not
// outlive the context.
#pragma once

#include <cstdint>
#include <memory>

#include "base/tensor.h"
#include "kernels/backend.h"

namespace qk {

// Bytes of `count` numbers of an activation.
constexpr int64_t activation_bytes(int64_t count) {
  return count * static_cast<int64_t>(sizeof(float));
}

// Returns memory to the backend that it came from.
struct FreeMemory {
  const Backend* backend = nullptr;
  Context* context = nullptr;
  void operator()(void* data) const { backend->free(*context, data); }
};

class Buffer {
 public:
  Buffer() = default;
  // Zeros. Throws Error if there is not that much memory.
  Buffer(const Backend& backend, Context& context, int64_t bytes, Memory kind = Memory::kDevice);

  void* data() const { return data_.get(); }
  // The first rows * cols numbers. REQUIRES: they fit.
  MatrixView matrix(int64_t rows, int64_t cols) const {
    return {numbers(rows * cols), {rows, cols}};
  }
  TensorView<float, 3> heads(int64_t rows, int64_t num_heads, int64_t head_dim) const {
    return {numbers(rows * num_heads * head_dim), {rows, num_heads, head_dim}};
  }

 private:
  float* numbers(int64_t count) const {
    QK_CHECK(activation_bytes(count) <= bytes_);
    return static_cast<float*>(data_.get());
  }

  std::unique_ptr<void, FreeMemory> data_;
  int64_t bytes_ = 0;
};

}  // namespace qk
