#include "dataset/vector_column.h"

#include <arrow/type.h>

#include <bit>
#include <cmath>

#include "base/error.h"

namespace qk {
namespace {

using arrow::Type;

// The values of the lists, without a gap: values[begin, end).
struct Flat {
  const arrow::Array* values = nullptr;
  int64_t begin = 0;
  int64_t end = 0;
};

template <typename List>
Flat flatten(const List& list, int64_t first_row, int64_t& dim) {
  if (list.null_count() != 0) {
    for (int64_t row = 0; row < list.length(); ++row) {
      if (list.IsNull(row))
        fail("row {}: column vector: expected a vector, found null", first_row + row);
    }
  }
  for (int64_t row = 0; row < list.length(); ++row) {
    const int64_t length = list.value_length(row);
    if (dim == 0 && length > 0) dim = length;
    if (length == dim && length > 0) continue;
    if (length <= 0) fail("row {}: column vector: the vector has no numbers", first_row + row);
    fail("row {}: column vector: expected {} numbers as in the rows before, found {}",
         first_row + row, dim, length);
  }
  const int64_t begin = list.value_offset(0);
  const int64_t end = begin + list.length() * dim;
  if (begin < 0 || end > list.values()->length()) fail("column vector: a damaged list");
  return {list.values().get(), begin, end};
}

Flat flatten_any(const arrow::Array& array, int64_t first_row, int64_t& dim) {
  switch (array.type_id()) {
    case Type::LIST:
      return flatten(static_cast<const arrow::ListArray&>(array), first_row, dim);
    case Type::LARGE_LIST:
      return flatten(static_cast<const arrow::LargeListArray&>(array), first_row, dim);
    default:
      return flatten(static_cast<const arrow::FixedSizeListArray&>(array), first_row, dim);
  }
}

float from_half(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000U) << 16;
  const uint32_t magnitude = bits & 0x7FFFU;
  if (magnitude >= 0x7C00U) {  // infinity and NaN
    return std::bit_cast<float>(sign | 0x7F800000U | (magnitude & 0x3FFU) << 13);
  }
  const auto scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112F;  // denormals too
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | sign);
}

float from_bfloat16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// The 16-bit words, whatever the column calls them.
const uint16_t* words_of(const arrow::Array& values) {
  switch (values.type_id()) {
    case Type::HALF_FLOAT:
      return static_cast<const arrow::HalfFloatArray&>(values).raw_values();
    case Type::UINT16:
      return static_cast<const arrow::UInt16Array&>(values).raw_values();
    default: {
      const auto& binary = static_cast<const arrow::FixedSizeBinaryArray&>(values);
      return reinterpret_cast<const uint16_t*>(binary.raw_values());
    }
  }
}

// Rounding would change the dataset.
void narrow(const double* numbers, int64_t first_row, int64_t dim, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(numbers[i]);
    if (static_cast<double>(out[i]) == numbers[i] || !std::isfinite(numbers[i])) continue;
    const auto index = static_cast<int64_t>(i);
    fail(
        "row {}: column vector: expected float32, or float64 that float32 holds exactly, "
        "found {} at {}",
        first_row + index / dim, numbers[i], index % dim);
  }
}

void check_finite(std::span<const float> numbers, int64_t first_row, int64_t dim) {
  uint32_t largest = 0;
  for (const float number : numbers) {
    largest = std::max(largest, std::bit_cast<uint32_t>(number) & 0x7FFFFFFFU);
  }
  if (largest < 0x7F800000U) return;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (std::isfinite(numbers[i])) continue;
    const auto index = static_cast<int64_t>(i);
    fail("row {}: column vector: expected finite numbers, found {} at {}", first_row + index / dim,
         numbers[i], index % dim);
  }
}

}  // namespace

bool is_vector_type(const arrow::DataType& type) {
  const bool is_list = type.id() == Type::LIST || type.id() == Type::LARGE_LIST ||
                       type.id() == Type::FIXED_SIZE_LIST;
  if (!is_list) return false;
  const arrow::DataType& value = *static_cast<const arrow::BaseListType&>(type).value_type();
  if (value.id() == Type::FIXED_SIZE_BINARY) {
    return static_cast<const arrow::FixedSizeBinaryType&>(value).byte_width() == 2;
  }
  return value.id() == Type::FLOAT || value.id() == Type::HALF_FLOAT ||
         value.id() == Type::DOUBLE || value.id() == Type::UINT16;
}

std::span<const float> vector_rows(const arrow::Array& array, int64_t first_row, int64_t& dim,
                                   std::vector<float>& converted) {
  if (array.length() == 0) return {};
  const Flat flat = flatten_any(array, first_row, dim);
  const auto count = static_cast<size_t>(flat.end - flat.begin);
  if (flat.values->null_count() != 0 &&
      flat.values->Slice(flat.begin, flat.end - flat.begin)->null_count() != 0) {
    fail("column vector: a vector from row {} on has null elements", first_row);
  }
  std::span<const float> out;
  if (flat.values->type_id() == Type::FLOAT) {
    const auto& floats = static_cast<const arrow::FloatArray&>(*flat.values);
    out = {floats.raw_values() + flat.begin, count};
  } else if (flat.values->type_id() == Type::DOUBLE) {
    converted.resize(count);
    const auto& doubles = static_cast<const arrow::DoubleArray&>(*flat.values);
    narrow(doubles.raw_values() + flat.begin, first_row, dim, converted);
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
  check_finite(out, first_row, dim);
  return out;
}

}  // namespace qk
