// Work memory of the layer loop: float32 numbers, 64-byte aligned, freed with the object.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/tensor.h"

namespace qk {

class FloatBuffer {
 public:
  FloatBuffer() = default;
  // `size` zeros. Throws Error if there is not that much memory.
  explicit FloatBuffer(int64_t size);

  float* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  // The first rows * cols numbers. REQUIRES: they fit.
  MatrixView matrix(int64_t rows, int64_t cols) const {
    QK_CHECK(rows * cols <= size_);
    return {data_.get(), {rows, cols}};
  }
  TensorView<float, 3> heads(int64_t rows, int64_t num_heads, int64_t head_dim) const {
    QK_CHECK(rows * num_heads * head_dim <= size_);
    return {data_.get(), {rows, num_heads, head_dim}};
  }

 private:
  struct Free {
    void operator()(float* data) const { std::free(data); }
  };
  std::unique_ptr<float[], Free> data_;
  int64_t size_ = 0;
};

}  // namespace qk
