// Activations as a backend holds them: an address in its memory, the type of the numbers and a
// shape, dense and row-major. Only operations of the backend follow the address; everyone else
// passes it on, or names a part of it. Of float32 in memory of the host they are TensorViews.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/dtype.h"
#include "base/error.h"
#include "base/tensor.h"

namespace qk {

// Bytes of `count` numbers of a plain type.
constexpr int64_t activation_bytes(int64_t count, DType dtype) {
  return count * static_cast<int64_t>(dtype == DType::kF32 ? sizeof(float) : sizeof(uint16_t));
}

// [rows, cols]
template <typename Address>  // void* or const void*
struct BasicMatrix {
  using Number = std::conditional_t<std::is_same_v<Address, void*>, float, const float>;
  using Byte = std::conditional_t<std::is_same_v<Address, void*>, std::byte, const std::byte>;

  Address data = nullptr;
  DType dtype = DType::kF32;
  int64_t rows = 0, cols = 0;

  BasicMatrix() = default;
  BasicMatrix(Address address, DType type, int64_t num_rows, int64_t num_cols)
      : data(address), dtype(type), rows(num_rows), cols(num_cols) {}
  template <typename T>
    requires(std::is_convertible_v<T*, Address>)
  BasicMatrix(const TensorView<T, 2>& view)  // NOLINT(google-explicit-constructor)
      : data(view.data()), rows(view.dim(0)), cols(view.dim(1)) {}
  template <typename Other>  // a const one of a mutable one
    requires(!std::is_same_v<Other, Address> && std::is_convertible_v<Other, Address>)
  BasicMatrix(const BasicMatrix<Other>& other)  // NOLINT(google-explicit-constructor)
      : data(other.data), dtype(other.dtype), rows(other.rows), cols(other.cols) {}

  // Rows [begin, end).
  BasicMatrix slice(int64_t begin, int64_t end) const {
    QK_CHECK(0 <= begin && begin <= end && end <= rows);
    return {static_cast<Byte*>(data) + activation_bytes(begin * cols, dtype), dtype, end - begin,
            cols};
  }
  // REQUIRES: float32 of the host.
  TensorView<Number, 2> numbers() const {
    QK_CHECK(dtype == DType::kF32);
    return {static_cast<Number*>(data), {rows, cols}};
  }
};
using Matrix = BasicMatrix<void*>;
using ConstMatrix = BasicMatrix<const void*>;

// [rows, heads, head_dim]
template <typename Address>
struct BasicHeads {
  using Number = BasicMatrix<Address>::Number;
  using Byte = BasicMatrix<Address>::Byte;

  Address data = nullptr;
  DType dtype = DType::kF32;
  int64_t rows = 0, heads = 0, head_dim = 0;

  BasicHeads() = default;
  BasicHeads(Address address, DType type, int64_t num_rows, int64_t num_heads, int64_t dim)
      : data(address), dtype(type), rows(num_rows), heads(num_heads), head_dim(dim) {}
  template <typename T>
    requires(std::is_convertible_v<T*, Address>)
  BasicHeads(const TensorView<T, 3>& view)  // NOLINT(google-explicit-constructor)
      : data(view.data()), rows(view.dim(0)), heads(view.dim(1)), head_dim(view.dim(2)) {}
  template <typename Other>  // a const one of a mutable one
    requires(!std::is_same_v<Other, Address> && std::is_convertible_v<Other, Address>)
  BasicHeads(const BasicHeads<Other>& other)  // NOLINT(google-explicit-constructor)
      : data(other.data),
        dtype(other.dtype),
        rows(other.rows),
        heads(other.heads),
        head_dim(other.head_dim) {}

  BasicHeads slice(int64_t begin, int64_t end) const {
    QK_CHECK(0 <= begin && begin <= end && end <= rows);
    return {static_cast<Byte*>(data) + activation_bytes(begin * heads * head_dim, dtype), dtype,
            end - begin, heads, head_dim};
  }
  // A row for each head of each row.
  BasicMatrix<Address> vectors() const { return {data, dtype, rows * heads, head_dim}; }
  // A row with all its heads.
  BasicMatrix<Address> flat() const { return {data, dtype, rows, heads * head_dim}; }
  // REQUIRES: float32 of the host.
  TensorView<Number, 3> numbers() const {
    QK_CHECK(dtype == DType::kF32);
    return {static_cast<Number*>(data), {rows, heads, head_dim}};
  }
};
using Heads = BasicHeads<void*>;
using ConstHeads = BasicHeads<const void*>;

}  // namespace qk
