#include "dataset/integer_column.h"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <cmath>
#include <limits>
#include <string_view>
#include <type_traits>

#include "base/error.h"

namespace qk {
namespace {

using arrow::Type;

// Calls append(row, value) for every row.
template <typename ArrayType, typename Append>
void for_each_value(const arrow::Array& array, Append append) {
  const auto& typed = static_cast<const ArrayType&>(array);
  for (int64_t row = 0; row < typed.length(); ++row) append(row, typed.Value(row));
}

template <typename Append>
void for_each_integer(const arrow::Array& array, Append append) {
  switch (array.type_id()) {
    case Type::INT8:
      return for_each_value<arrow::Int8Array>(array, append);
    case Type::INT16:
      return for_each_value<arrow::Int16Array>(array, append);
    case Type::INT32:
      return for_each_value<arrow::Int32Array>(array, append);
    case Type::INT64:
      return for_each_value<arrow::Int64Array>(array, append);
    case Type::UINT8:
      return for_each_value<arrow::UInt8Array>(array, append);
    case Type::UINT16:
      return for_each_value<arrow::UInt16Array>(array, append);
    case Type::UINT32:
      return for_each_value<arrow::UInt32Array>(array, append);
    default:
      return for_each_value<arrow::UInt64Array>(array, append);
  }
}

template <typename T>
int64_t to_int64(T value, const std::string& name, int64_t row) {
  if (std::in_range<int64_t>(value)) return static_cast<int64_t>(value);
  fail("row {}: column {}: {} is out of range", row, name, value);
}

int64_t whole(double value, std::string_view name, int64_t row) {
  constexpr double kLimit = 0x1p53;
  if (std::nearbyint(value) == value && std::abs(value) <= kLimit) {
    return static_cast<int64_t>(value);
  }
  fail("row {}: column {}: expected a whole number of tokens, found {}", row, name, value);
}

}  // namespace

bool is_integer_type(const arrow::DataType& type) { return arrow::is_integer(type.id()); }

bool is_position_type(const arrow::DataType& type) {
  return is_integer_type(type) || type.id() == Type::FLOAT || type.id() == Type::DOUBLE;
}

bool is_window_type(const arrow::DataType& type) {
  return is_position_type(type) || type.id() == Type::NA;
}

void read_integers(const arrow::Array& array, const std::string& name, int64_t first_row,
                   std::vector<int64_t>& out) {
  out.clear();
  if (array.null_count() != 0) {
    for (int64_t row = 0; row < array.length(); ++row) {
      if (array.IsNull(row)) {
        fail("row {}: column {}: expected an integer, found null", first_row + row, name);
      }
    }
  }
  out.reserve(static_cast<size_t>(array.length()));
  const auto append = [&](int64_t row, auto value) {
    if constexpr (std::is_floating_point_v<decltype(value)>) {
      out.push_back(whole(static_cast<double>(value), name, first_row + row));
    } else {
      out.push_back(to_int64(value, name, first_row + row));
    }
  };
  if (array.type_id() == Type::FLOAT) return for_each_value<arrow::FloatArray>(array, append);
  if (array.type_id() == Type::DOUBLE) return for_each_value<arrow::DoubleArray>(array, append);
  for_each_integer(array, append);
}

void read_windows(const arrow::Array& array, int64_t first_row,
                  std::vector<std::optional<int64_t>>& out) {
  out.assign(static_cast<size_t>(array.length()), std::nullopt);
  const auto take = [&](int64_t row, auto value) {
    if (array.IsNull(row)) return;
    auto& cell = out[static_cast<size_t>(row)];
    if constexpr (std::is_floating_point_v<decltype(value)>) {
      if (!std::isnan(value)) {
        cell = whole(static_cast<double>(value), "sliding_window", first_row + row);
      }
    } else {
      cell = to_int64(value, "sliding_window", first_row + row);
    }
  };
  if (array.type_id() == Type::NA) return;
  if (array.type_id() == Type::FLOAT) return for_each_value<arrow::FloatArray>(array, take);
  if (array.type_id() == Type::DOUBLE) return for_each_value<arrow::DoubleArray>(array, take);
  for_each_integer(array, take);
}

}  // namespace qk
