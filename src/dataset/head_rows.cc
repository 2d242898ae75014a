#include "dataset/head_rows.h"

#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <numeric>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/lfs_pointer.h"
#include "dataset/arrow_result.h"
#include "dataset/footer_agreement.h"
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

constexpr Column kColumns[] = {
    {"bucket", true, "integers", is_integer_type},
    {"position", true, "integers", is_position_type},
    {"vector", true, "lists of float32, float16 or bfloat16", is_vector_type},
    {"example_id", false, "integers", is_integer_type},
    {"sliding_window", false, "integers or null", is_window_type},
};

// The leaf columns of the file that are read.
std::vector<int> wanted_leaves(const parquet::arrow::FileReader& reader,
                               const arrow::Schema& schema) {
  std::vector<std::string> names;
  for (const Column& column : kColumns) {
    const int count = static_cast<int>(schema.GetAllFieldIndices(column.name).size());
    if (count > 1) fail("column {} occurs {} times", column.name, count);
    if (count == 0 && !column.required) continue;
    if (count == 0) {
      fail("column {} is missing (there are: {})", column.name,
           printable(fmt::format("{}", fmt::join(schema.field_names(), ", ")), 300));
    }
    const arrow::DataType& type = *schema.GetFieldByName(column.name)->type();
    if (!column.fits(type)) {
      fail("column {}: expected {}, found {}", column.name, column.expected,
           printable(type.ToString()));
    }
    names.emplace_back(column.name);
  }
  std::vector<int> leaves;
  const parquet::SchemaDescriptor& descriptor = *reader.parquet_reader()->metadata()->schema();
  for (int leaf = 0; leaf < descriptor.num_columns(); ++leaf) {
    const std::string root = descriptor.Column(leaf)->path()->ToDotVector().front();
    if (std::find(names.begin(), names.end(), root) != names.end()) leaves.push_back(leaf);
  }
  return leaves;
}

}  // namespace

// One file, opened.
struct OpenFile {
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::vector<int> leaves;
  std::shared_ptr<arrow::Schema> schema;

  explicit OpenFile(const fs::path& path) {
    std::error_code error;
    if (fs::is_regular_file(path, error) && fs::file_size(path, error) == 0)
      fail("the file is empty");
    if (const std::string fault = lfs_pointer_fault(path); !fault.empty()) fail("{}", fault);
    parquet::ReaderProperties properties(arrow::system_memory_pool());
    properties.enable_buffered_stream();
    properties.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
    arrow_properties.set_batch_size(kBatchRows);
    arrow_properties.set_pre_buffer(false);
    parquet::arrow::FileReaderBuilder builder;
    check_arrow(builder.OpenFile(path.string(), /*memory_map=*/false, properties));
    reader = value_of(
        builder.memory_pool(arrow::system_memory_pool())->properties(arrow_properties)->Build());
    check_arrow(reader->GetSchema(&schema));
    leaves = wanted_leaves(*reader, *schema);
  }

  int64_t num_rows() const { return reader->parquet_reader()->metadata()->num_rows(); }
};

namespace {

// Numbers of the vectors by the number of rows, in the first row group that has rows.
int64_t dim_of(const OpenFile& file) {
  const parquet::FileMetaData& metadata = *file.reader->parquet_reader()->metadata();
  for (int group = 0; group < metadata.num_row_groups(); ++group) {
    const auto rows = metadata.RowGroup(group);
    if (rows->num_rows() <= 0) continue;
    for (const int leaf : file.leaves) {
      if (metadata.schema()->Column(leaf)->path()->ToDotVector().front() != "vector") continue;
      return rows->ColumnChunk(leaf)->num_values() / rows->num_rows();
    }
  }
  return 0;
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
  size_t current = 0;
  std::optional<OpenFile> open;
  std::unique_ptr<arrow::RecordBatchReader> batches;
  std::shared_ptr<arrow::RecordBatch> batch;  // keeps the vectors of the last next()
  std::vector<float> converted;
  int64_t file_row = 0;
  int64_t num_rows = 0;
  int64_t footer_dim = 0;
  int64_t dim = 0;
  bool has_example_ids = false;
  bool has_windows = false;
  std::map<std::string, std::string> footer;

  void start() {
    file_row = 0;
    open.emplace(paths[current]);
    std::vector<int> groups(static_cast<size_t>(open->reader->num_row_groups()));
    std::iota(groups.begin(), groups.end(), 0);
    batches = value_of(open->reader->GetRecordBatchReader(groups, open->leaves));
  }

  void end() {
    if (file_row != open->num_rows()) {
      fail("the footer says {} rows, found {}", open->num_rows(), file_row);
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
    if (has_example_ids) {
      read_integers(*batch->GetColumnByName("example_id"), "example_id", file_row, out.example_ids);
    }
    if (has_windows) read_windows(*batch->GetColumnByName("sliding_window"), file_row, out.windows);
    out.vectors = vector_rows(*batch->GetColumnByName("vector"), file_row, dim, converted);
    out.head_dim = dim;
    file_row += batch->num_rows();
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

HeadRowReader::HeadRowReader(std::vector<fs::path> files) : files_(std::make_unique<Files>()) {
  QK_CHECK(!files.empty());
  files_->paths = std::move(files);
  for (size_t i = 0; i < files_->paths.size(); ++i) {
    naming(files_->paths[i], [&] {
      const OpenFile file(files_->paths[i]);
      const bool has_ids = file.schema->GetFieldIndex("example_id") >= 0;
      const bool has_windows = file.schema->GetFieldIndex("sliding_window") >= 0;
      if (i > 0 && (has_ids != files_->has_example_ids || has_windows != files_->has_windows)) {
        fail("has other columns than {}", files_->paths.front().filename().string());
      }
      files_->has_example_ids = has_ids;
      files_->has_windows = has_windows;
      files_->num_rows += file.num_rows();
      if (i > 0) return;
      files_->footer = footer_of(*file.reader->parquet_reader()->metadata());
      files_->footer_dim = dim_of(file);
    });
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
