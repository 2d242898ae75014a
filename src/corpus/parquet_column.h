// One column of a Parquet file, value by value, whatever else is in the file: the other columns are
// not touched. Include from .cc files only: Parquet's headers.
#pragma once

#include <arrow/type.h>
#include <parquet/file_reader.h>

#include <memory>
#include <optional>
#include <string_view>

#include "corpus/example_id.h"

namespace qk {

// The number of the leaf that is the column, and the column's Arrow type.
struct ParquetColumnType {
  int leaf = -1;  // -1: the column is made of others
  std::shared_ptr<arrow::DataType> type;
};

// The type of the root's field number `field`. Throws Parquet's exceptions: the footer is damaged.
ParquetColumnType parquet_column_type(const parquet::FileMetaData& metadata, int field);

// string, large_string, string_view, or a dictionary of these.
bool is_text_type(const arrow::DataType& type);
// binary, large_binary, binary_view, or a dictionary of these.
bool is_bytes_type(const arrow::DataType& type);
// What ParquetColumn::id() can read: the above, null, bool, integers, floats, fixed_size_binary,
// dictionaries of them.
bool is_id_type(const arrow::DataType& type);

// The values of a column, row group by row group. next() throws Parquet's exceptions.
class ParquetColumn {
 public:
  virtual ~ParquetColumn() = default;

  virtual void start(parquet::RowGroupReader& group) = 0;
  // Moves to the next value; false at the end of the row group.
  virtual bool next() = 0;
  // The value's bytes, until the next call of next(); nothing for null. REQUIRES: is_text_type or
  // is_bytes_type.
  virtual std::optional<std::string_view> bytes() const = 0;
  // The value as an id.
  virtual RawId id() const = 0;
};

// REQUIRES: is_id_type.
std::unique_ptr<ParquetColumn> open_parquet_column(const parquet::FileMetaData& metadata,
                                                   const ParquetColumnType& column);

}  // namespace qk
