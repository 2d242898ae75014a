#include "dataset/head_rows.h"

#include <arrow/record_batch.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <numeric>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "dataset/arrow_result.h"
#include "dataset/example_ids.h"
#include "dataset/footer_agreement.h"
#include "dataset/head_file.h"
#include "dataset/integer_column.h"
#include "dataset/vector_column.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBatchRows = 8192;

struct Column {
  const char* name;
  bool required;
  const char* expected;
  bool (*fits)(const arrow::DataType& type);
};

bool is_any_type(const arrow::DataType& /*type*/) { return true; }  // null in every row, perhaps

constexpr Column kColumns[] = {
    {"bucket", true, "integers or whole floats", is_whole_type},
    {"position", true, "integers or whole floats", is_whole_type},
    {"vector", true,
     "lists of float32, float16, bfloat16 (its bits as uint16, int16 or 2-byte binary) or float64",
     is_vector_type},
    {"example_id", false, "integers or whole floats, a number for each document", is_whole_type},
    {"sliding_window", false, "", is_any_type},
};

// The column's name in the files.
std::string name_of(const Column& column, const std::string& vector_column) {
  return column.fits == is_vector_type ? vector_column : column.name;
}

void check_columns(const HeadFile& file, const std::string& vector_column) {
  for (const Column& column : kColumns) {
    const std::string name = name_of(column, vector_column);
    const auto count = std::ranges::count(file.columns, name);
    if (count > 1) fail("column {} occurs {} times", name, count);
    if (count == 0 && !column.required) continue;
    if (count == 0) {
      fail("column {} is missing (there are: {})", name,
           printable(fmt::format("{}", fmt::join(file.columns, ", ")), 300));
    }
    const arrow::DataType& type = *file.schema->GetFieldByName(name)->type();
    if (column.fits(type)) continue;
    fail("column {}: expected {}, found {}", name, column.expected, printable(type.ToString()));
  }
  const std::vector<int64_t> shape = tensor_shape(file.arrow_schema, vector_column);
  if (std::ranges::count_if(shape, [](int64_t length) { return length != 1; }) <= 1) return;
  fail("column {}: expected one vector in every row, found tensors of shape [{}]", vector_column,
       fmt::join(shape, ", "));
}

// The files of a head all have a column, or none has.
void check_like(const char* column, bool has_it, bool first_has_it, const std::string& first) {
  if (has_it == first_has_it) return;
  fail("has {} column {}, unlike {}", has_it ? "a" : "no", column, first);
}

HeadFile open_file(const fs::path& path, const std::string& vector_column) {
  const auto is_read = [&](std::string_view name) {
    return std::ranges::any_of(
        kColumns, [&](const Column& column) { return name == name_of(column, vector_column); });
  };
  HeadFile file = open_head_file(path, is_read, kBatchRows);
  check_columns(file, vector_column);
  return file;
}

int64_t rows_of(const HeadFile& file) {
  return file.reader->parquet_reader()->metadata()->num_rows();
}

// Numbers of the vectors by the number of rows, in the first row group that has rows.
int64_t dim_of(const HeadFile& file, const std::string& vector_column) {
  const parquet::FileMetaData& metadata = *file.reader->parquet_reader()->metadata();
  for (int group = 0; group < metadata.num_row_groups(); ++group) {
    const auto rows = metadata.RowGroup(group);
    if (rows->num_rows() <= 0) continue;
    for (const int leaf : file.leaves) {
      if (metadata.schema()->Column(leaf)->path()->ToDotVector().front() != vector_column) {
        continue;
      }
      return rows->ColumnChunk(leaf)->num_values() / rows->num_rows();
    }
  }
  return 0;
}

// The rows of the documents in a file.
int64_t rows_of_documents(const fs::path& path, const ExampleIds& documents) {
  int64_t rows = 0;
  read_example_ids(path, [&](const ExampleId& id) { rows += documents.contains(id) ? 1 : 0; });
  return rows;
}

// Moves values[rows[i]] to values[i]; an empty column stays empty.
template <typename Value>
void keep(const std::vector<size_t>& rows, std::vector<Value>& values) {
  if (values.empty()) return;
  for (size_t i = 0; i < rows.size(); ++i) values[i] = values[rows[i]];
  values.resize(rows.size());
}

// Whatever Parquet throws, as one sentence with the file's name.
template <typename Task>
auto naming(const fs::path& file, Task task) {
  try {
    return task();
  } catch (const Error& error) {
    fail("{}: {}", file.string(), error.what());
  } catch (const std::bad_alloc&) {
    fail("{}: needs more memory than there is", file.string());
  } catch (const std::exception& error) {
    fail("{}: {}", file.string(), printable(error.what(), 300));
  }
}

}  // namespace

struct HeadRowReader::Files {
  std::vector<fs::path> paths;
  RowOptions options;
  size_t current = 0;
  std::optional<HeadFile> open;
  std::unique_ptr<arrow::RecordBatchReader> batches;
  std::shared_ptr<arrow::RecordBatch> batch;  // keeps the vectors of the last next()
  std::vector<float> converted;
  std::vector<float> kept;  // vectors of the documents that are wanted
  int64_t file_row = 0;
  int64_t num_rows = 0;
  int64_t footer_dim = 0;
  int64_t dim = 0;
  bool has_example_ids = false;
  bool has_windows = false;
  std::map<std::string, std::string> footer;

  void start() {
    file_row = 0;
    open.emplace(open_file(paths[current], options.vector_column));
    std::vector<int> groups(static_cast<size_t>(open->reader->num_row_groups()));
    std::iota(groups.begin(), groups.end(), 0);
    batches = value_of(open->reader->GetRecordBatchReader(groups, open->leaves));
  }

  void end() {
    if (file_row != rows_of(*open)) {
      fail("the footer says {} rows, found {}", rows_of(*open), file_row);
    }
    batches.reset();
    open.reset();
    ++current;
  }

  void convert(HeadRowBatch& out) {
    check_arrow(batch->Validate());
    read_integers(*batch->GetColumnByName("bucket"), "bucket", file_row, out.buckets);
    read_integers(*batch->GetColumnByName("position"), "position", file_row, out.positions);
    out.example_ids.clear();
    out.windows.clear();
    out.has_large_ids = out.has_negative_ids = false;
    if (has_example_ids) read_ids(*batch->GetColumnByName("example_id"), file_row, out);
    if (has_windows) read_windows(*batch->GetColumnByName("sliding_window"), file_row, out.windows);
    out.vectors = vector_rows(*batch->GetColumnByName(options.vector_column),
                              {options.vector_column, file_row}, dim, converted);
    out.head_dim = dim;
    file_row += batch->num_rows();
    if (options.bucket_width) {
      for (size_t row = 0; row < out.buckets.size(); ++row) {
        out.buckets[row] = out.positions[row] / *options.bucket_width;
      }
    }
    if (options.documents != nullptr) keep_documents(*options.documents, out);
  }

  void keep_documents(const ExampleIds& documents, HeadRowBatch& out) {
    std::vector<size_t> rows;
    bool has_high_bit = false;
    for (size_t row = 0; row < out.example_ids.size(); ++row) {
      if (!documents.contains(out.example_id(row))) continue;
      rows.push_back(row);
      has_high_bit = has_high_bit || out.example_ids[row] < 0;
    }
    const auto width = static_cast<size_t>(dim);
    kept.resize(rows.size() * width);
    for (size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(out.vectors.begin() + static_cast<int64_t>(rows[i] * width), width,
                  kept.begin() + static_cast<int64_t>(i * width));
    }
    out.vectors = kept;
    keep(rows, out.buckets);
    keep(rows, out.positions);
    keep(rows, out.example_ids);
    keep(rows, out.windows);
    out.has_large_ids = out.has_large_ids && has_high_bit;
    out.has_negative_ids = out.has_negative_ids && has_high_bit;
  }

  bool read(HeadRowBatch& out) {
    if (!open) start();
    check_arrow(batches->ReadNext(&batch));
    if (batch == nullptr) {
      end();
      return false;
    }
    convert(out);
    return true;
  }
};

HeadRowReader::HeadRowReader(std::vector<fs::path> files, RowOptions options)
    : files_(std::make_unique<Files>()) {
  QK_CHECK(!files.empty());
  files_->paths = std::move(files);
  files_->options = std::move(options);
  const std::string& vector_column = files_->options.vector_column;
  const ExampleIds* documents = files_->options.documents.get();
  for (size_t i = 0; i < files_->paths.size(); ++i) {
    naming(files_->paths[i], [&] {
      const HeadFile file = open_file(files_->paths[i], vector_column);
      const bool has_ids = file.schema->GetFieldIndex("example_id") >= 0;
      const bool has_windows = file.schema->GetFieldIndex("sliding_window") >= 0;
      if (i > 0) {
        const std::string first = files_->paths.front().filename().string();
        check_like("example_id", has_ids, files_->has_example_ids, first);
        check_like("sliding_window", has_windows, files_->has_windows, first);
      }
      files_->has_example_ids = has_ids;
      files_->has_windows = has_windows;
      if (documents == nullptr) files_->num_rows += rows_of(file);
      if (i > 0) return;
      files_->footer = footer_of(*file.reader->parquet_reader()->metadata());
      files_->footer_dim = dim_of(file, vector_column);
    });
    if (documents == nullptr) continue;
    files_->num_rows += rows_of_documents(files_->paths[i], *documents);
  }
}

HeadRowReader::HeadRowReader(HeadRowReader&&) noexcept = default;
HeadRowReader& HeadRowReader::operator=(HeadRowReader&&) noexcept = default;
HeadRowReader::~HeadRowReader() = default;

int64_t HeadRowReader::num_rows() const { return files_->num_rows; }

int64_t HeadRowReader::footer_dim() const { return files_->footer_dim; }

const std::map<std::string, std::string>& HeadRowReader::footer() const { return files_->footer; }

bool HeadRowReader::next(HeadRowBatch& batch) {
  while (files_->current < files_->paths.size()) {
    const fs::path& path = files_->paths[files_->current];
    const bool found = naming(path, [&] { return files_->read(batch); });
    if (found && batch.num_rows() > 0) return true;
  }
  return false;
}

}  // namespace qk
