#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

#include <algorithm>
#include <exception>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "corpus/arrow_cells.h"
#include "corpus/row_reader.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRowsPerBatch = 16;  // texts may be megabytes each
constexpr int64_t kReadBytes = int64_t{1} << 20;

// Calls into Parquet report damage by a Status or by an exception; both become one sentence.
template <typename Call>
auto guarded(const std::string& file, const Call& call) -> decltype(call().ValueUnsafe()) {
  std::string reason;
  try {
    auto result = call();
    if (result.ok()) return std::move(result).ValueUnsafe();
    reason = result.status().message();
  } catch (const std::exception& error) {
    reason = error.what();
  }
  fail("{}: not readable as Parquet: {}", file, printable(reason, 200));
}

arrow::Result<bool> checked(const arrow::Status& status) {
  return status.ok() ? arrow::Result<bool>(true) : status;
}

std::unique_ptr<parquet::arrow::FileReader> open_reader(const fs::path& path,
                                                        const std::string& file) {
  arrow::Result<std::shared_ptr<arrow::io::ReadableFile>> input =
      arrow::io::ReadableFile::Open(path.string());
  if (!input.ok()) fail("{}: cannot be opened: {}", file, printable(input.status().message()));
  return guarded(file, [&] {
    parquet::ReaderProperties properties = parquet::default_reader_properties();
    properties.enable_buffered_stream();  // a column chunk is not read whole
    properties.set_buffer_size(kReadBytes);
    properties.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
    arrow_properties.set_batch_size(kRowsPerBatch);
    arrow_properties.set_pre_buffer(false);
    parquet::arrow::FileReaderBuilder builder;
    arrow::Status status = builder.Open(*input, properties);
    if (!status.ok()) return arrow::Result<std::unique_ptr<parquet::arrow::FileReader>>(status);
    return builder.properties(arrow_properties)->Build();
  });
}

// A file with its two columns found and their types checked.
struct OpenFile {
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::vector<int> leaves;  // Parquet's numbers of the columns to read
  ParquetSummary summary;
};

std::string column_names(const arrow::Schema& schema) {
  constexpr int kShown = 20;
  std::string names;
  for (int i = 0; i < std::min(schema.num_fields(), kShown); ++i) {
    names += (i == 0 ? "" : ", ") + printable(schema.field(i)->name());
  }
  return schema.num_fields() > kShown ? names + ", ..." : names;
}

// The type of the column, after adding it to the columns to read.
std::string find_column(const arrow::Schema& schema, const std::string& column,
                        const std::string& file, bool is_text, OpenFile& open) {
  const std::vector<int> fields = schema.GetAllFieldIndices(column);
  if (fields.size() != 1) {
    fail("{}: {} column '{}': it has {}", file, fields.empty() ? "no" : "more than one",
         printable(column), column_names(schema));
  }
  const arrow::DataType& type = *schema.field(fields[0])->type();
  if (is_text && !is_text_type(type)) {
    fail("{}: column '{}': expected strings, found {}", file, printable(column),
         printable(type.ToString()));
  }
  if (!is_id_type(type)) {
    fail("{}: column '{}': expected strings, numbers, booleans or binary as ids, found {}", file,
         printable(column), printable(type.ToString()));
  }
  const int leaf = open.reader->manifest().schema_fields.at(fields[0]).column_index;
  QK_CHECK(leaf >= 0);
  if (std::find(open.leaves.begin(), open.leaves.end(), leaf) == open.leaves.end()) {
    open.leaves.push_back(leaf);
  }
  return type.ToString();
}

OpenFile open_file(const fs::path& path, const Columns& columns) {
  const std::string file = printable(path.string(), 300);
  OpenFile open;
  open.reader = open_reader(path, file);
  const std::shared_ptr<arrow::Schema> schema = guarded(file, [&] {
    std::shared_ptr<arrow::Schema> out;
    arrow::Status status = open.reader->GetSchema(&out);
    return status.ok() ? arrow::Result<std::shared_ptr<arrow::Schema>>(out) : status;
  });
  open.summary.rows = open.reader->parquet_reader()->metadata()->num_rows();
  if (open.summary.rows < 0) fail("{}: the footer says {} rows", file, open.summary.rows);
  open.summary.text_type = find_column(*schema, columns.text, file, /*is_text=*/true, open);
  if (columns.id) {
    open.summary.id_type = find_column(*schema, *columns.id, file, /*is_text=*/false, open);
  }
  return open;
}

class ParquetRows final : public RowReader {
 public:
  ParquetRows(const fs::path& path, std::string name, Columns columns)
      : file_(printable(path.string(), 300)),
        name_(std::move(name)),
        columns_(std::move(columns)),
        open_(open_file(path, columns_)) {
    batches_ = guarded(file_, [&] {
      std::vector<int> groups(open_.reader->num_row_groups());
      std::iota(groups.begin(), groups.end(), 0);
      return open_.reader->GetRecordBatchReader(groups, open_.leaves);
    });
  }

  std::optional<Row> next() override {
    while (batch_ == nullptr || at_ == batch_->num_rows()) {
      if (!next_batch()) return std::nullopt;
    }
    Row row{{}, {}, fmt::format("{} row {}", name_, row_)};
    take_text(row);
    if (id_ != nullptr) row.id = id_cell(*id_, at_);
    ++at_;
    ++row_;
    return row;
  }

 private:
  // False at the end of the file.
  bool next_batch() {
    batch_ = guarded(file_, [&] { return batches_->Next(); });
    if (batch_ == nullptr) {
      if (row_ != open_.summary.rows) {
        fail("{}: the footer says {} rows, found {}", file_, open_.summary.rows, row_);
      }
      return false;
    }
    guarded(file_, [&] { return checked(batch_->Validate()); });
    at_ = 0;
    text_ = column(columns_.text);
    if (columns_.id) id_ = column(*columns_.id);
    return true;
  }

  std::shared_ptr<arrow::Array> column(const std::string& name) const {
    std::shared_ptr<arrow::Array> array = batch_->GetColumnByName(name);
    QK_CHECK(array != nullptr);
    if (array->type_id() == arrow::Type::DICTIONARY) {  // its indices come from the file
      guarded(file_, [&] { return checked(array->ValidateFull()); });
    }
    return array;
  }

  void take_text(Row& row) const {
    const std::optional<std::string_view> cell = text_cell(*text_, at_);
    const auto invalid = cell ? first_invalid_utf8(*cell) : std::nullopt;
    if (cell && !invalid) {
      row.text = *cell;
      return;
    }
    row.fault = cell ? TextFault::kNotUtf8 : TextFault::kNoText;
    if (columns_.keep_faulty) return;
    if (!cell) {
      fail("{} row {}: column '{}': expected a string, found null", file_, row_,
           printable(columns_.text));
    }
    fail("{} row {}: column '{}': expected UTF-8, found the byte 0x{:02x} at offset {}", file_,
         row_, printable(columns_.text), static_cast<unsigned char>((*cell)[*invalid]), *invalid);
  }

  std::string file_;
  std::string name_;
  Columns columns_;
  OpenFile open_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::shared_ptr<arrow::Array> text_;
  std::shared_ptr<arrow::Array> id_;
  int64_t at_ = 0;   // in the batch
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
