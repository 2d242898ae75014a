#include "corpus/arrow_cells.h"

#include <arrow/array/array_dict.h>
#include <arrow/util/float16.h>

#include <string>

#include "base/error.h"

namespace qk {
namespace {

using arrow::Type;

// The type of the values, for a dictionary that of its entries.
Type::type value_type(const arrow::DataType& type) {
  if (type.id() != Type::DICTIONARY) return type.id();
  return static_cast<const arrow::DictionaryType&>(type).value_type()->id();
}

bool holds_text(Type::type id) {
  return id == Type::STRING || id == Type::LARGE_STRING || id == Type::STRING_VIEW;
}

bool holds_bytes(Type::type id) {
  return id == Type::BINARY || id == Type::LARGE_BINARY || id == Type::BINARY_VIEW ||
         id == Type::FIXED_SIZE_BINARY;
}

std::string_view bytes_cell(const arrow::Array& array, int64_t row) {
  switch (array.type_id()) {
    case Type::STRING:
    case Type::BINARY:
      return static_cast<const arrow::BinaryArray&>(array).GetView(row);
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return static_cast<const arrow::LargeBinaryArray&>(array).GetView(row);
    case Type::STRING_VIEW:
    case Type::BINARY_VIEW:
      return static_cast<const arrow::BinaryViewArray&>(array).GetView(row);
    default:
      QK_CHECK(array.type_id() == Type::FIXED_SIZE_BINARY);
      return static_cast<const arrow::FixedSizeBinaryArray&>(array).GetView(row);
  }
}

template <typename ArrayType>
auto number(const arrow::Array& array, int64_t row) {
  return static_cast<const ArrayType&>(array).Value(row);
}

RawId unsigned_id(uint64_t value) {
  if (value <= static_cast<uint64_t>(INT64_MAX)) return static_cast<int64_t>(value);
  return value;
}

RawId number_id(const arrow::Array& array, int64_t row) {
  switch (array.type_id()) {
    case Type::INT8:
      return int64_t{number<arrow::Int8Array>(array, row)};
    case Type::INT16:
      return int64_t{number<arrow::Int16Array>(array, row)};
    case Type::INT32:
      return int64_t{number<arrow::Int32Array>(array, row)};
    case Type::INT64:
      return int64_t{number<arrow::Int64Array>(array, row)};
    case Type::UINT8:
      return int64_t{number<arrow::UInt8Array>(array, row)};
    case Type::UINT16:
      return int64_t{number<arrow::UInt16Array>(array, row)};
    case Type::UINT32:
      return int64_t{number<arrow::UInt32Array>(array, row)};
    case Type::UINT64:
      return unsigned_id(number<arrow::UInt64Array>(array, row));
    case Type::HALF_FLOAT:
      return arrow::util::Float16::FromBits(number<arrow::HalfFloatArray>(array, row)).ToDouble();
    case Type::FLOAT:
      return double{number<arrow::FloatArray>(array, row)};
    default:
      QK_CHECK(array.type_id() == Type::DOUBLE);
      return number<arrow::DoubleArray>(array, row);
  }
}

}  // namespace

bool is_text_type(const arrow::DataType& type) { return holds_text(value_type(type)); }

bool is_id_type(const arrow::DataType& type) {
  const Type::type id = value_type(type);
  return holds_text(id) || holds_bytes(id) || id == Type::NA || id == Type::BOOL ||
         arrow::is_integer(id) || id == Type::HALF_FLOAT || id == Type::FLOAT || id == Type::DOUBLE;
}

std::optional<std::string_view> text_cell(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return std::nullopt;
  if (array.type_id() != Type::DICTIONARY) return bytes_cell(array, row);
  const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
  return text_cell(*coded.dictionary(), coded.GetValueIndex(row));
}

RawId id_cell(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return std::monostate{};
  if (array.type_id() == Type::DICTIONARY) {
    const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
    return id_cell(*coded.dictionary(), coded.GetValueIndex(row));
  }
  if (array.type_id() == Type::BOOL) return number<arrow::BooleanArray>(array, row);
  if (holds_text(array.type_id())) return std::string(bytes_cell(array, row));
  if (holds_bytes(array.type_id())) return OpaqueId{python_bytes_text(bytes_cell(array, row))};
  return number_id(array, row);
}

}  // namespace qk
