#include "corpus/parquet_column.h"

#include <arrow/type_traits.h>
#include <arrow/util/float16.h>
#include <parquet/arrow/schema.h>
#include <parquet/column_reader.h>
#include <parquet/exception.h>
#include <parquet/schema.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "base/error.h"

namespace qk {
namespace {

using arrow::Type;

constexpr int kValuesPerBatch = 16;  // texts may be megabytes each

// The type of the values, for a dictionary that of its entries.
Type::type value_type(const arrow::DataType& type) {
  if (type.id() != Type::DICTIONARY) return type.id();
  return static_cast<const arrow::DictionaryType&>(type).value_type()->id();
}

bool holds_text(Type::type id) {
  return id == Type::STRING || id == Type::LARGE_STRING || id == Type::STRING_VIEW;
}

bool holds_bytes(Type::type id) {
  return id == Type::BINARY || id == Type::LARGE_BINARY || id == Type::BINARY_VIEW;
}

// The Arrow type of the field as part of the whole schema; nothing if another field has none.
std::shared_ptr<arrow::DataType> type_in_schema(const parquet::FileMetaData& metadata, int field) {
  std::shared_ptr<arrow::Schema> schema;
  const arrow::Status status = parquet::arrow::FromParquetSchema(
      metadata.schema(), parquet::default_arrow_reader_properties(), metadata.key_value_metadata(),
      &schema);
  if (!status.ok() || field >= schema->num_fields()) return nullptr;
  return schema->field(field)->type();
}

// The same from the field alone.
std::shared_ptr<arrow::DataType> type_alone(const parquet::schema::NodePtr& node) {
  parquet::SchemaDescriptor alone;
  alone.Init(parquet::schema::GroupNode::Make("schema", parquet::Repetition::REQUIRED, {node}));
  std::shared_ptr<arrow::Schema> schema;
  PARQUET_THROW_NOT_OK(parquet::arrow::FromParquetSchema(&alone, &schema));
  return schema->field(0)->type();
}

int leaf_of(const parquet::SchemaDescriptor& schema, const parquet::schema::Node& node) {
  if (!node.is_primitive() || node.is_repeated()) return -1;
  for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
    if (schema.Column(leaf)->schema_node().get() == &node) return leaf;
  }
  return -1;
}

RawId integer_id(int64_t value, Type::type type) {
  switch (type) {
    case Type::BOOL:
      return value != 0;
    case Type::INT8:
      return int64_t{static_cast<int8_t>(value)};
    case Type::INT16:
      return int64_t{static_cast<int16_t>(value)};
    case Type::UINT8:
      return int64_t{static_cast<uint8_t>(value)};
    case Type::UINT16:
      return int64_t{static_cast<uint16_t>(value)};
    case Type::UINT32:
      return int64_t{static_cast<uint32_t>(value)};
    case Type::UINT64:
      if (value < 0) return static_cast<uint64_t>(value);
      return value;
    default:
      return value;
  }
}

RawId bytes_id(std::string_view bytes, Type::type type) {
  if (holds_text(type)) return std::string(bytes);
  if (type != Type::HALF_FLOAT || bytes.size() != sizeof(uint16_t))
    return OpaqueId{python_bytes_text(bytes)};
  return arrow::util::Float16::FromLittleEndian(reinterpret_cast<const uint8_t*>(bytes.data()))
      .ToDouble();
}

template <typename ParquetType>
class ColumnOf final : public ParquetColumn {
 public:
  ColumnOf(const parquet::ColumnDescriptor& column, int leaf, Type::type type)
      : leaf_(leaf),
        value_bytes_(column.type_length()),
        highest_level_(column.max_definition_level()),
        type_(type) {}

  void start(parquet::RowGroupReader& group) override {
    chunk_ = std::static_pointer_cast<parquet::TypedColumnReader<ParquetType>>(group.Column(leaf_));
    at_ = -1;
    num_read_ = 0;
  }

  bool next() override {
    if (at_ >= 0 && levels_[at_] == highest_level_) ++value_;
    if (++at_ < num_read_) return true;
    at_ = 0;
    value_ = 0;
    num_read_ = 0;
    if (chunk_ == nullptr || !chunk_->HasNext()) return false;
    int64_t num_values = 0;
    levels_.fill(highest_level_);  // not filled if no value can be null
    num_read_ =
        chunk_->ReadBatch(kValuesPerBatch, levels_.data(), nullptr, values_.data(), &num_values);
    const auto levels = std::span(levels_).first(static_cast<size_t>(num_read_));
    if (levels.empty() || std::ranges::count(levels, highest_level_) != num_values) {
      throw parquet::ParquetException("a page has fewer values than its header says");
    }
    return true;
  }

  std::optional<std::string_view> bytes() const override {
    if (levels_[at_] != highest_level_) return std::nullopt;
    const auto& value = values_[value_];
    if constexpr (std::is_same_v<ParquetType, parquet::ByteArrayType>) {
      return std::string_view(reinterpret_cast<const char*>(value.ptr), value.len);
    } else if constexpr (std::is_same_v<ParquetType, parquet::FLBAType>) {
      return std::string_view(reinterpret_cast<const char*>(value.ptr),
                              static_cast<size_t>(value_bytes_));
    } else {
      return std::nullopt;
    }
  }

  RawId id() const override {
    if (levels_[at_] != highest_level_ || type_ == Type::NA) return std::monostate{};
    using Value = typename ParquetType::c_type;
    if constexpr (std::is_floating_point_v<Value>) {
      return double{values_[value_]};
    } else if constexpr (std::is_integral_v<Value>) {
      return integer_id(static_cast<int64_t>(values_[value_]), type_);
    } else {
      return bytes_id(*bytes(), type_);
    }
  }

 private:
  int leaf_;
  int32_t value_bytes_;    // of fixed_size_binary
  int16_t highest_level_;  // of a value that is not null
  Type::type type_;
  std::shared_ptr<parquet::TypedColumnReader<ParquetType>> chunk_;
  std::array<int16_t, kValuesPerBatch> levels_{};
  std::array<typename ParquetType::c_type, kValuesPerBatch> values_{};  // those that are not null
  int64_t num_read_ = 0;
  int64_t at_ = -1;    // in levels_
  int64_t value_ = 0;  // in values_
};

}  // namespace

ParquetColumnType parquet_column_type(const parquet::FileMetaData& metadata, int field) {
  const parquet::schema::NodePtr& node = metadata.schema()->group_node()->field(field);
  ParquetColumnType out{leaf_of(*metadata.schema(), *node), type_in_schema(metadata, field)};
  if (out.type == nullptr) out.type = type_alone(node);
  return out;
}

bool is_text_type(const arrow::DataType& type) { return holds_text(value_type(type)); }

bool is_bytes_type(const arrow::DataType& type) { return holds_bytes(value_type(type)); }

bool is_id_type(const arrow::DataType& type) {
  const Type::type id = value_type(type);
  return holds_text(id) || holds_bytes(id) || id == Type::FIXED_SIZE_BINARY || id == Type::NA ||
         id == Type::BOOL || arrow::is_integer(id) || id == Type::HALF_FLOAT || id == Type::FLOAT ||
         id == Type::DOUBLE;
}

std::unique_ptr<ParquetColumn> open_parquet_column(const parquet::FileMetaData& metadata,
                                                   const ParquetColumnType& column) {
  const parquet::ColumnDescriptor& leaf = *metadata.schema()->Column(column.leaf);
  const Type::type type = value_type(*column.type);
  switch (leaf.physical_type()) {
    case parquet::Type::BOOLEAN:
      return std::make_unique<ColumnOf<parquet::BooleanType>>(leaf, column.leaf, type);
    case parquet::Type::INT32:
      return std::make_unique<ColumnOf<parquet::Int32Type>>(leaf, column.leaf, type);
    case parquet::Type::INT64:
      return std::make_unique<ColumnOf<parquet::Int64Type>>(leaf, column.leaf, type);
    case parquet::Type::FLOAT:
      return std::make_unique<ColumnOf<parquet::FloatType>>(leaf, column.leaf, type);
    case parquet::Type::DOUBLE:
      return std::make_unique<ColumnOf<parquet::DoubleType>>(leaf, column.leaf, type);
    case parquet::Type::BYTE_ARRAY:
      return std::make_unique<ColumnOf<parquet::ByteArrayType>>(leaf, column.leaf, type);
    case parquet::Type::FIXED_LEN_BYTE_ARRAY:
      return std::make_unique<ColumnOf<parquet::FLBAType>>(leaf, column.leaf, type);
    default:  // INT96, which is a time
      throw parquet::ParquetException("unexpected physical type of an id");
  }
}

}  // namespace qk
