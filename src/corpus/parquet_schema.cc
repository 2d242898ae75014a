#include "corpus/parquet_schema.h"

#include <parquet/file_reader.h>
#include <parquet/schema.h>

#include <algorithm>
#include <exception>
#include <memory>

#include "base/error.h"
#include "base/path_text.h"
#include "base/readable_file.h"
#include "corpus/parquet_column.h"

namespace qk {
namespace {

// Bytes of a value as stored before compression; 0 if the footer does not say.
double mean_value_bytes(const parquet::FileMetaData& metadata, int leaf) {
  double bytes = 0;
  for (int group = 0; group < metadata.num_row_groups(); ++group) {
    bytes +=
        static_cast<double>(metadata.RowGroup(group)->ColumnChunk(leaf)->total_uncompressed_size());
  }
  return bytes / static_cast<double>(std::max<int64_t>(metadata.num_rows(), 1));
}

std::vector<CorpusColumn> columns_of(const parquet::FileMetaData& metadata) {
  const parquet::schema::GroupNode& root = *metadata.schema()->group_node();
  std::vector<CorpusColumn> out;
  for (int field = 0; field < root.field_count(); ++field) {
    const ParquetColumnType column = parquet_column_type(metadata, field);
    const bool is_plain = column.leaf >= 0;
    const bool is_text = is_plain && is_text_type(*column.type);
    out.push_back({.name = root.field(field)->name(),
                   .is_text = is_text,
                   .may_be_id = is_plain && is_id_type(*column.type),
                   .mean_bytes = is_text ? mean_value_bytes(metadata, column.leaf) : 0});
  }
  return out;
}

}  // namespace

std::vector<CorpusColumn> parquet_columns(const std::filesystem::path& path) {
  require_readable(path);
  try {
    return columns_of(*parquet::ParquetFileReader::OpenFile(path.string())->metadata());
  } catch (const std::exception& error) {
    fail("{}: not readable as Parquet: {}", path_text(path), printable(error.what(), 200));
  }
}

}  // namespace qk
