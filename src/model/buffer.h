// Work memory of the layer loop, from a backend's table; freed with the object, which must not
// outlive the context.
#pragma once

#include <cstdint>
#include <memory>

#include "base/tensor.h"
#include "kernels/activation.h"
#include "kernels/backend.h"

namespace qk {

// Returns memory to the backend that it came from.
struct FreeMemory {
  const Backend* backend = nullptr;
  Context* context = nullptr;
  void operator()(void* data) const { backend->free(*context, data); }
};

// Activations of the backend's type.
class Buffer {
 public:
  Buffer() = default;
  // Zeros. Throws Error if there is not that much memory.
  Buffer(const Backend& backend, Context& context, int64_t bytes);

  void* data() const { return data_.get(); }
  // The first rows * cols numbers. REQUIRES: they fit.
  Matrix matrix(int64_t rows, int64_t cols) const {
    check(rows * cols);
    return {data_.get(), dtype_, rows, cols};
  }
  Heads heads(int64_t rows, int64_t num_heads, int64_t head_dim) const {
    check(rows * num_heads * head_dim);
    return {data_.get(), dtype_, rows, num_heads, head_dim};
  }

 private:
  void check(int64_t count) const { QK_CHECK(activation_bytes(count, dtype_) <= bytes_); }

  std::unique_ptr<void, FreeMemory> data_;
  DType dtype_ = DType::kF32;
  int64_t bytes_ = 0;
};

// float32 of the host, where vectors that leave the model go.
class HostBuffer {
 public:
  HostBuffer() = default;
  // Throws Error if there is not that much memory.
  HostBuffer(const Backend& backend, Context& context, int64_t rows, int64_t heads,
             int64_t head_dim);

  TensorView<float, 3> heads() const {
    return {static_cast<float*>(data_.get()), {rows_, heads_, head_dim_}};
  }

 private:
  std::unique_ptr<void, FreeMemory> data_;
  int64_t rows_ = 0, heads_ = 0, head_dim_ = 0;
};

}  // namespace qk
