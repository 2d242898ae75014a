#include "dataset/integer_column.h"

#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/decimal.h>

#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"
#include "dataset/half_floats.h"

namespace qk {
namespace {

using arrow::Type;

// What is read, for messages.
struct WholeColumn {
  std::string name;
  int64_t first_row = 0;
  bool nan_is_null = false;
};

// A 64-bit integer; is_large: the bits of a number from 2^63 to 2^64 - 1.
struct Whole {
  int64_t bits = 0;
  bool is_large = false;
};

template <typename T>
Whole whole_of(T value) {
  return {static_cast<int64_t>(value), !std::in_range<int64_t>(value)};
}

// digits: of the float's significand.
Whole whole_of_float(double value, int digits, const WholeColumn& column, int64_t row) {
  if (std::nearbyint(value) != value || std::isinf(value)) {  // NaN too
    fail("row {}: column {}: expected a whole number, found {}", column.first_row + row,
         column.name, value);
  }
  if (std::abs(value) >= std::ldexp(1.0, digits)) {
    fail(
        "row {}: column {}: found {}, but floats of this width hold every integer only below "
        "2^{}; store the column as integers",
        column.first_row + row, column.name, value, digits);
  }
  return {static_cast<int64_t>(value), false};
}

Whole whole_of_decimal(const arrow::Decimal256& value, int32_t scale, const WholeColumn& column,
                       int64_t row) {
  const auto number = value.Rescale(scale, 0);
  if (!number.ok()) {
    fail("row {}: column {}: expected a whole number, found {}", column.first_row + row,
         column.name, value.ToString(scale));
  }
  const auto words = number->little_endian_array();
  const uint64_t sign = words[3] >> 63 == 0 ? 0 : ~uint64_t{0};
  const auto bits = static_cast<int64_t>(words[0]);
  const bool fits = words[1] == sign && words[2] == sign && words[3] == sign;
  if (fits && (sign == 0 || bits < 0)) return {bits, sign == 0 && bits < 0};
  fail("row {}: column {}: {} is out of range", column.first_row + row, column.name,
       number->ToIntegerString());
}

// Calls take(row, Whole) for every row that is not null.
template <typename ArrayType, typename Take>
void for_each_integer(const arrow::Array& array, Take take) {
  const auto& typed = static_cast<const ArrayType&>(array);
  const bool has_nulls = array.null_count() != 0;
  for (int64_t row = 0; row < typed.length(); ++row) {
    if (!has_nulls || !typed.IsNull(row)) take(row, whole_of(typed.Value(row)));
  }
}

double number_at(const arrow::HalfFloatArray& array, int64_t row) {
  return static_cast<double>(from_half(array.Value(row)));
}

template <typename ArrayType>
double number_at(const ArrayType& array, int64_t row) {
  return static_cast<double>(array.Value(row));
}

template <typename ArrayType, typename Take>
void for_each_float(const arrow::Array& array, const WholeColumn& column, int digits, Take take) {
  const auto& typed = static_cast<const ArrayType&>(array);
  for (int64_t row = 0; row < typed.length(); ++row) {
    if (typed.IsNull(row)) continue;
    const double value = number_at(typed, row);
    if (column.nan_is_null && std::isnan(value)) continue;
    take(row, whole_of_float(value, digits, column, row));
  }
}

template <typename ArrayType, typename Decimal, typename Take>
void for_each_decimal(const arrow::Array& array, const WholeColumn& column, Take take) {
  const auto& typed = static_cast<const ArrayType&>(array);
  const int32_t scale = static_cast<const arrow::DecimalType&>(*array.type()).scale();
  for (int64_t row = 0; row < typed.length(); ++row) {
    if (typed.IsNull(row)) continue;
    const arrow::Decimal256 value(Decimal(typed.GetValue(row)));
    take(row, whole_of_decimal(value, scale, column, row));
  }
}

template <typename Take>
void for_each_whole(const arrow::Array& array, const WholeColumn& column, Take take) {
  switch (array.type_id()) {
    case Type::INT8:
      return for_each_integer<arrow::Int8Array>(array, take);
    case Type::INT16:
      return for_each_integer<arrow::Int16Array>(array, take);
    case Type::INT32:
      return for_each_integer<arrow::Int32Array>(array, take);
    case Type::INT64:
      return for_each_integer<arrow::Int64Array>(array, take);
    case Type::UINT8:
      return for_each_integer<arrow::UInt8Array>(array, take);
    case Type::UINT16:
      return for_each_integer<arrow::UInt16Array>(array, take);
    case Type::UINT32:
      return for_each_integer<arrow::UInt32Array>(array, take);
    case Type::UINT64:
      return for_each_integer<arrow::UInt64Array>(array, take);
    case Type::HALF_FLOAT:
      return for_each_float<arrow::HalfFloatArray>(array, column, 11, take);
    case Type::FLOAT:
      return for_each_float<arrow::FloatArray>(array, column, 24, take);
    case Type::DOUBLE:
      return for_each_float<arrow::DoubleArray>(array, column, 53, take);
    case Type::DECIMAL128:
      return for_each_decimal<arrow::Decimal128Array, arrow::Decimal128>(array, column, take);
    default:
      return for_each_decimal<arrow::Decimal256Array, arrow::Decimal256>(array, column, take);
  }
}

void refuse_nulls(const arrow::Array& array, const WholeColumn& column) {
  if (array.null_count() == 0) return;
  for (int64_t row = 0; row < array.length(); ++row) {
    if (!array.IsNull(row)) continue;
    fail("row {}: column {}: expected an integer, found null", column.first_row + row, column.name);
  }
}

int64_t in_int64(const Whole& whole, const WholeColumn& column, int64_t row) {
  if (!whole.is_large) return whole.bits;
  fail("row {}: column {}: expected at most 2^63 - 1, found {}", column.first_row + row,
       column.name, static_cast<uint64_t>(whole.bits));
}

// REQUIRES: not is_whole_type.
void refuse_values(const arrow::Array& array, const WholeColumn& column) {
  if (array.type_id() == Type::NA) return;
  for (int64_t row = 0; row < array.length(); ++row) {
    if (array.IsNull(row)) continue;
    const auto value = array.GetScalar(row);
    fail("row {}: column {}: expected an integer, a whole float or null, found {} ({})",
         column.first_row + row, column.name, value.ok() ? printable((*value)->ToString()) : "",
         printable(array.type()->ToString()));
  }
}

}  // namespace

bool is_whole_type(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) ||
         type.id() == Type::DECIMAL128 || type.id() == Type::DECIMAL256;
}

void read_integers(const arrow::Array& array, const std::string& name, int64_t first_row,
                   std::vector<int64_t>& out) {
  const WholeColumn column{name, first_row};
  refuse_nulls(array, column);
  out.clear();
  out.reserve(static_cast<size_t>(array.length()));
  for_each_whole(array, column, [&](int64_t row, const Whole& whole) {
    out.push_back(in_int64(whole, column, row));
  });
}

void read_ids(const arrow::Array& array, int64_t first_row, HeadRowBatch& out) {
  const WholeColumn column{"example_id", first_row};
  refuse_nulls(array, column);
  out.example_ids.clear();
  out.example_ids.reserve(static_cast<size_t>(array.length()));
  for_each_whole(array, column, [&](int64_t, const Whole& whole) {
    out.example_ids.push_back(whole.bits);
    out.has_large_ids = out.has_large_ids || whole.is_large;
    out.has_negative_ids = out.has_negative_ids || (whole.bits < 0 && !whole.is_large);
  });
}

void read_windows(const arrow::Array& array, int64_t first_row,
                  std::vector<std::optional<int64_t>>& out) {
  const WholeColumn column{"sliding_window", first_row, /*nan_is_null=*/true};
  out.assign(static_cast<size_t>(array.length()), std::nullopt);
  if (!is_whole_type(*array.type())) return refuse_values(array, column);
  for_each_whole(array, column, [&](int64_t row, const Whole& whole) {
    out[static_cast<size_t>(row)] = in_int64(whole, column, row);
  });
}

}  // namespace qk
