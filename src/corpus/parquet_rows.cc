#include <arrow/io/file.h>
#include <fmt/format.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/error.h"
#include "base/path_text.h"
#include "base/readable_file.h"
#include "base/utf8.h"
#include "corpus/parquet_column.h"
#include "corpus/row_reader.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kReadBytes = int64_t{1} << 20;

// Parquet reports damage by exceptions, which become one sentence.
template <typename Call>
auto guarded(const std::string& file, const Call& call) {
  try {
    return call();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail("{}: not readable as Parquet: {}", file, printable(error.what(), 200));
  }
}

std::unique_ptr<parquet::ParquetFileReader> open_reader(const fs::path& path,
                                                        const std::string& file) {
  require_readable(path);
  return guarded(file, [&] {
    parquet::ReaderProperties properties = parquet::default_reader_properties();
    properties.enable_buffered_stream();  // a column chunk is not read whole
    properties.set_buffer_size(kReadBytes);
    properties.set_page_checksum_verification(true);
    return parquet::ParquetFileReader::OpenFile(path.string(), /*memory_map=*/false, properties);
  });
}

// A file with its columns found.
struct OpenFile {
  std::unique_ptr<parquet::ParquetFileReader> reader;
  ParquetColumnType text;
  ParquetColumnType id;  // without an id column: of no type
  ParquetSummary summary;
};

std::string column_names(const parquet::schema::GroupNode& root) {
  constexpr int kShown = 20;
  if (root.field_count() == 0) return "none";
  std::string names;
  for (int i = 0; i < std::min(root.field_count(), kShown); ++i) {
    names += (i == 0 ? "" : ", ") + printable(root.field(i)->name());
  }
  return root.field_count() > kShown ? names + ", ..." : names;
}

ParquetColumnType find_column(const parquet::FileMetaData& metadata, const std::string& column,
                              const std::string& file) {
  const parquet::schema::GroupNode& root = *metadata.schema()->group_node();
  std::vector<int> fields;
  for (int i = 0; i < root.field_count(); ++i) {
    if (root.field(i)->name() == column) fields.push_back(i);
  }
  if (fields.size() != 1) {
    fail("{}: {} column '{}': it has {}", file, fields.empty() ? "no" : "more than one",
         printable(column), column_names(root));
  }
  return parquet_column_type(metadata, fields[0]);
}

bool has_column(const parquet::FileMetaData& metadata, const std::string& column) {
  const parquet::schema::GroupNode& root = *metadata.schema()->group_node();
  for (int i = 0; i < root.field_count(); ++i) {
    if (root.field(i)->name() == column) return true;
  }
  return false;
}

TextType text_type_of(const ParquetColumnType& column) {
  if (column.type->id() == arrow::Type::NA) return TextType::kNull;
  if (column.leaf < 0) return TextType::kOther;
  if (is_text_type(*column.type)) return TextType::kText;
  return is_bytes_type(*column.type) ? TextType::kBytes : TextType::kOther;
}

OpenFile open_file(const fs::path& path, const Columns& columns) {
  const std::string file = path_text(path);
  OpenFile open;
  open.reader = open_reader(path, file);
  const std::shared_ptr<parquet::FileMetaData> metadata = open.reader->metadata();
  open.summary.rows = metadata->num_rows();
  if (open.summary.rows < 0) fail("{}: the footer says {} rows", file, open.summary.rows);
  if (has_column(*metadata, columns.text)) {
    open.text = guarded(file, [&] { return find_column(*metadata, columns.text, file); });
    open.summary.text_type = open.text.type->ToString();
    open.summary.text = text_type_of(open.text);
  } else {
    open.summary.text = TextType::kOther;
    open.summary.lacks = fmt::format("no column '{}': it has {}", printable(columns.text),
                                     column_names(*metadata->schema()->group_node()));
  }
  if (!columns.id) return open;
  open.id = guarded(file, [&] { return find_column(*metadata, *columns.id, file); });
  open.summary.id_type = open.id.type->ToString();
  if (open.id.leaf < 0 || !is_id_type(*open.id.type)) {
    fail("{}: column '{}': expected strings, numbers, booleans or binary as ids, found {}", file,
         printable(*columns.id), printable(open.summary.id_type));
  }
  return open;
}

class ParquetRows final : public RowReader {
 public:
  ParquetRows(const fs::path& path, std::string name, Columns columns)
      : file_(path_text(path)),
        name_(std::move(name)),
        columns_(std::move(columns)),
        open_(open_file(path, columns_)) {
    const parquet::FileMetaData& metadata = *open_.reader->metadata();
    guarded(file_, [&] {
      const TextType type = open_.summary.text;
      if (type == TextType::kText || type == TextType::kBytes) {
        text_ = open_parquet_column(metadata, open_.text);
      }
      if (columns_.id) id_ = open_parquet_column(metadata, open_.id);
    });
  }

  std::optional<Row> next() override {
    while (left_in_group_ == 0) {
      if (!next_group()) return std::nullopt;
    }
    --left_in_group_;
    Row row{{}, {}, fmt::format("{} row {}", name_, row_)};
    guarded(file_, [&] {
      advance(text_.get());
      advance(id_.get());
    });
    take_text(row);
    take_id(row);
    ++row_;
    return row;
  }

 private:
  // False at the end of the file.
  bool next_group() {
    guarded(file_, [&] {
      for (ParquetColumn* column : {text_.get(), id_.get()}) {
        if (group_ == 0 || column == nullptr || !column->next()) continue;
        throw parquet::ParquetException("a column has more values than its row group has rows");
      }
    });
    if (group_ == open_.reader->metadata()->num_row_groups()) {
      if (row_ != open_.summary.rows) {
        fail("{}: the footer says {} rows, found {}", file_, open_.summary.rows, row_);
      }
      return false;
    }
    guarded(file_, [&] {
      group_reader_ = open_.reader->RowGroup(group_++);
      left_in_group_ = group_reader_->metadata()->num_rows();
      if (left_in_group_ < 0) throw parquet::ParquetException("a row group of less than no rows");
      if (left_in_group_ == 0) return;
      if (text_ != nullptr) text_->start(*group_reader_);
      if (id_ != nullptr) id_->start(*group_reader_);
    });
    return true;
  }

  static void advance(ParquetColumn* column) {
    if (column == nullptr || column->next()) return;
    throw parquet::ParquetException("a column has fewer values than its row group has rows");
  }

  void take_text(Row& row) const {
    const std::optional<std::string_view> cell = text_ == nullptr ? std::nullopt : text_->bytes();
    if (cell) {
      if (take_utf8(*cell, columns_.text, row)) row.text = *cell;
      return;
    }
    const bool is_null = text_ != nullptr || open_.summary.text == TextType::kNull;
    row.fault = TextFault::kNoText;
    if (columns_.keep_faulty) return;
    fail("{} row {}: column '{}': expected a string, found {}; {}", file_, row_,
         printable(columns_.text), is_null ? "null" : printable(open_.summary.text_type),
         kSkipAdvice);
  }

  void take_id(Row& row) const {
    if (id_ == nullptr) return;
    row.id = id_->id();
    const auto* text = std::get_if<std::string>(&row.id);
    if (text != nullptr && !take_utf8(*text, *columns_.id, row)) row.id = {};
  }

  // Whether the bytes are UTF-8; if not, the row is at fault.
  bool take_utf8(std::string_view bytes, const std::string& column, Row& row) const {
    const std::optional<size_t> invalid = first_invalid_utf8(bytes);
    if (!invalid) return true;
    if (!columns_.keep_faulty) {
      fail("{} row {}: column '{}': expected UTF-8, found the byte 0x{:02x} at offset {}; {}",
           file_, row_, printable(column), static_cast<unsigned char>(bytes[*invalid]), *invalid,
           kSkipAdvice);
    }
    if (row.fault == TextFault::kNone) row.fault = TextFault::kNotUtf8;
    row.text.clear();
    return false;
  }

  std::string file_;
  std::string name_;
  Columns columns_;
  OpenFile open_;
  std::shared_ptr<parquet::RowGroupReader> group_reader_;
  std::unique_ptr<ParquetColumn> text_;  // none: a column without texts
  std::unique_ptr<ParquetColumn> id_;
  int group_ = 0;  // the next one
  int64_t left_in_group_ = 0;
  int64_t row_ = 0;  // in the file
};

}  // namespace

ParquetSummary summarise_parquet(const fs::path& path, const Columns& columns) {
  return open_file(path, columns).summary;
}

std::unique_ptr<RowReader> open_parquet_rows(const fs::path& path, const std::string& name,
                                             const Columns& columns) {
  return std::make_unique<ParquetRows>(path, name, columns);
}

}  // namespace qk
