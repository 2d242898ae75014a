// Views of numbers that somebody else owns. Cheap to copy; never own, never check lifetime.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "base/dtype.h"
#include "base/error.h"

namespace qk {

// A dense row-major array of Rank axes, the last one contiguous, no padding between rows.
template <typename T, int Rank>
class TensorView {
 public:
  TensorView() = default;
  TensorView(T* data, std::array<int64_t, Rank> shape) : data_(data), shape_(shape) {}
  // A view of mutable numbers is a view of constant ones.
  template <typename U>
    requires(std::is_same_v<const U, T>)
  TensorView(const TensorView<U, Rank>& other)  // NOLINT(google-explicit-constructor)
      : data_(other.data()), shape_(other.shape()) {}

  T* data() const { return data_; }
  const std::array<int64_t, Rank>& shape() const { return shape_; }
  int64_t dim(int axis) const { return shape_[axis]; }
  int64_t size() const {
    int64_t product = 1;
    for (int64_t n : shape_) product *= n;
    return product;
  }
  // The sub-array at `index` of the first axis.
  auto operator[](int64_t index) const {
    if constexpr (Rank == 1) {
      return data_ + index;
    } else {
      std::array<int64_t, Rank - 1> rest{};
      int64_t stride = 1;
      for (int axis = 1; axis < Rank; ++axis) {
        rest[axis - 1] = shape_[axis];
        stride *= shape_[axis];
      }
      return TensorView<T, Rank - 1>(data_ + index * stride, rest);
    }
  }
  // Rows [begin, end) of the first axis.
  TensorView slice(int64_t begin, int64_t end) const {
    QK_CHECK(0 <= begin && begin <= end && end <= shape_[0]);
    TensorView out = *this;
    int64_t stride = 1;
    for (int axis = 1; axis < Rank; ++axis) stride *= shape_[axis];
    out.data_ = data_ + begin * stride;
    out.shape_[0] = end - begin;
    return out;
  }
  std::span<T> flat() const { return {data_, static_cast<size_t>(size())}; }

 private:
  T* data_ = nullptr;
  std::array<int64_t, Rank> shape_{};
};

using MatrixView = TensorView<float, 2>;
using ConstMatrixView = TensorView<const float, 2>;

// A weight matrix [rows, cols] as it is stored: rows of dtype blocks, `stride_bytes` apart.
// y = x W^T: rows are output features, cols are input features.
//
// row_order undoes the row permutation of GGUF's q and k: with head_rows = D > 0, logical row
// h*D + j is stored row h*D + (j < D/2 ? 2j : 2(j - D/2) + 1). head_rows = 0: rows as stored.
struct WeightMatrix {
  const std::byte* data = nullptr;
  DType dtype = DType::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride_bytes = 0;
  int64_t head_rows = 0;

  // Where logical row r starts.
  const std::byte* row(int64_t r) const { return data + stored_row(r) * stride_bytes; }
  int64_t stored_row(int64_t r) const {
    if (head_rows == 0) return r;
    const int64_t head = r / head_rows;
    const int64_t j = r % head_rows;
    const int64_t half = head_rows / 2;
    return head * head_rows + (j < half ? 2 * j : 2 * (j - half) + 1);
  }
  // Logical rows [begin, end). REQUIRES: head_rows divides begin, or head_rows is 0.
  WeightMatrix rows_slice(int64_t begin, int64_t end) const {
    WeightMatrix out = *this;
    QK_CHECK(0 <= begin && begin <= end && end <= rows);
    QK_CHECK(head_rows == 0 || begin % head_rows == 0);
    out.data = data + begin * stride_bytes;
    out.rows = end - begin;
    return out;
  }
};

}  // namespace qk
