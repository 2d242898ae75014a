#include "dataset/vector_column.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/error.h"
#include "dataset/half_floats.h"

namespace qk {
namespace {

using arrow::Type;

// The values of the lists, without a gap: values[begin, end).
struct Flat {
  const arrow::Array* values = nullptr;
  int64_t begin = 0;
  int64_t end = 0;
};

Flat flatten(const arrow::ListArray& list, const VectorColumn& column, int64_t& dim) {
  const auto& [name, first_row] = column;
  if (list.null_count() != 0) {
    for (int64_t row = 0; row < list.length(); ++row) {
      if (list.IsValid(row)) continue;
      fail("row {}: column {}: expected a vector, found null", first_row + row, name);
    }
  }
  for (int64_t row = 0; row < list.length(); ++row) {
    const int64_t length = list.value_length(row);
    if (dim == 0 && length > 0) dim = length;
    if (length == dim && length > 0) continue;
    if (length <= 0) fail("row {}: column {}: the vector has no numbers", first_row + row, name);
    fail("row {}: column {}: expected {} numbers as in the rows before, found {}", first_row + row,
         name, dim, length);
  }
  const int64_t begin = list.value_offset(0);
  const int64_t end = begin + list.length() * dim;
  if (begin < 0 || end > list.values()->length()) fail("column {}: a damaged list", name);
  return {list.values().get(), begin, end};
}

void refuse_null_numbers(const Flat& flat, const VectorColumn& column, int64_t dim) {
  if (flat.values->null_count() == 0) return;
  for (int64_t i = flat.begin; i < flat.end; ++i) {
    if (flat.values->IsValid(i)) continue;
    const int64_t index = i - flat.begin;
    fail("row {}: column {}: expected numbers, found null at {}", column.first_row + index / dim,
         column.name, index % dim);
  }
}

bool is_word_type(const arrow::DataType& type) {
  return type.id() == Type::UINT16 || type.id() == Type::INT16;
}

// The 16-bit words, whatever the column calls them.
const uint16_t* words_of(const arrow::Array& values) {
  switch (values.type_id()) {
    case Type::HALF_FLOAT:
      return static_cast<const arrow::HalfFloatArray&>(values).raw_values();
    case Type::UINT16:
      return static_cast<const arrow::UInt16Array&>(values).raw_values();
    case Type::INT16:
      return reinterpret_cast<const uint16_t*>(
          static_cast<const arrow::Int16Array&>(values).raw_values());
    default: {
      const auto& binary = static_cast<const arrow::FixedSizeBinaryArray&>(values);
      return reinterpret_cast<const uint16_t*>(binary.raw_values());
    }
  }
}

// Rounding would change the dataset.
void narrow(const double* numbers, const VectorColumn& column, int64_t dim, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(numbers[i]);
    if (static_cast<double>(out[i]) == numbers[i] || !std::isfinite(numbers[i])) continue;
    const auto index = static_cast<int64_t>(i);
    fail(
        "row {}: column {}: expected float32, or float64 that float32 holds exactly, found {} at "
        "{}",
        column.first_row + index / dim, column.name, numbers[i], index % dim);
  }
}

// The bits of the number that is largest apart from its sign.
uint32_t largest_bits(std::span<const float> numbers) {
  uint32_t largest = 0;
  for (const float number : numbers) {
    largest = std::max(largest, std::bit_cast<uint32_t>(number) & 0x7FFFFFFFU);
  }
  return largest;
}

constexpr const char* kWordHint =
    "16-bit integers are read as the bits of bfloat16; store other numbers as float32";

void check_finite(std::span<const float> numbers, const VectorColumn& column, int64_t dim,
                  bool are_words) {
  if (largest_bits(numbers) < 0x7F800000U) return;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (std::isfinite(numbers[i])) continue;
    const auto index = static_cast<int64_t>(i);
    fail("row {}: column {}: expected finite numbers, found {} at {}{}",
         column.first_row + index / dim, column.name, numbers[i], index % dim,
         are_words ? fmt::format(" ({})", kWordHint) : "");
  }
}

// Integers, as of quantised vectors, would be bfloat16 numbers that no model computes.
void check_are_bfloat16(std::span<const float> numbers, const VectorColumn& column) {
  const auto largest = std::bit_cast<float>(largest_bits(numbers));
  if (largest == 0 || (largest >= 0x1p-63F && largest < 0x1p63F)) return;
  fail("column {}: from row {} on the largest number is {} ({})", column.name, column.first_row,
       largest, kWordHint);
}

}  // namespace

bool is_vector_type(const arrow::DataType& type) {
  if (type.id() != Type::LIST) return false;
  const arrow::DataType& value = *static_cast<const arrow::ListType&>(type).value_type();
  if (value.id() == Type::FIXED_SIZE_BINARY) {
    return static_cast<const arrow::FixedSizeBinaryType&>(value).byte_width() == 2;
  }
  return value.id() == Type::FLOAT || value.id() == Type::HALF_FLOAT ||
         value.id() == Type::DOUBLE || is_word_type(value);
}

std::span<const float> vector_rows(const arrow::Array& array, const VectorColumn& column,
                                   int64_t& dim, std::vector<float>& converted) {
  if (array.length() == 0) return {};
  const Flat flat = flatten(static_cast<const arrow::ListArray&>(array), column, dim);
  const auto count = static_cast<size_t>(flat.end - flat.begin);
  refuse_null_numbers(flat, column, dim);
  std::span<const float> out;
  if (flat.values->type_id() == Type::FLOAT) {
    const auto& floats = static_cast<const arrow::FloatArray&>(*flat.values);
    out = {floats.raw_values() + flat.begin, count};
  } else if (flat.values->type_id() == Type::DOUBLE) {
    converted.resize(count);
    const auto& doubles = static_cast<const arrow::DoubleArray&>(*flat.values);
    narrow(doubles.raw_values() + flat.begin, column, dim, converted);
    out = converted;
  } else {
    converted.resize(count);
    const uint16_t* words = words_of(*flat.values) + flat.begin;
    const bool is_half = flat.values->type_id() == Type::HALF_FLOAT;
    for (size_t i = 0; i < count; ++i) {
      converted[i] = is_half ? from_half(words[i]) : from_bfloat16(words[i]);
    }
    out = converted;
  }
  const bool are_words = is_word_type(*flat.values->type());
  check_finite(out, column, dim, are_words);
  if (are_words) check_are_bfloat16(out, column);
  return out;
}

}  // namespace qk
