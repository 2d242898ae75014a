#include "report/parquet_sink.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/memory_pool.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

#include <span>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/build_info.h"
#include "base/error.h"
#include "base/path_text.h"
#include "base/readable_file.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

fs::path with_parent(const fs::path& path) {
  std::error_code error;
  if (!path.has_filename() || fs::is_directory(path, error)) {
    fail("{}: is a folder, expected the name of a Parquet file", path_text(path));
  }
  const fs::path parent = path.parent_path();
  if (parent.empty()) return path;
  fs::create_directories(parent, error);
  if (error) fail("{}: cannot make the folder: {}", path_text(parent), error.message());
  return path;
}

std::shared_ptr<parquet::WriterProperties> table_properties(const std::vector<std::string>& plain) {
  parquet::WriterProperties::Builder builder;
  builder.created_by("qkscope version " + version())
      ->compression(parquet::Compression::ZSTD)
      ->compression_level(1)
      ->enable_page_checksum();
  for (const std::string& column : plain) {
    builder.disable_dictionary(column)
        ->encoding(column, parquet::Encoding::BYTE_STREAM_SPLIT)
        ->disable_statistics(column);
  }
  return builder.build();
}

template <typename T>
T value_or_fail(arrow::Result<T> result) {
  if (!result.ok()) fail("{}", printable(result.status().message(), 300));
  return std::move(result).ValueUnsafe();
}

}  // namespace

// An AtomicFile as Arrow writes to it.
class ParquetSink::File final : public arrow::io::OutputStream {
 public:
  explicit File(const fs::path& path) : file_(path) {}
  arrow::Status Close() override {
    is_closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return is_closed_; }
  arrow::Result<int64_t> Tell() const override { return size_; }
  arrow::Status Write(const void* data, int64_t size) override {
    file_.append(std::span(static_cast<const std::byte*>(data), static_cast<size_t>(size)));
    size_ += size;
    return arrow::Status::OK();
  }
  AtomicFile& file() { return file_; }

 private:
  AtomicFile file_;
  int64_t size_ = 0;
  bool is_closed_ = false;
};

ParquetSink::ParquetSink(const fs::path& path, const std::shared_ptr<arrow::Schema>& schema,
                         const std::vector<std::string>& plain)
    : name_(path.string()), schema_(schema), file_(std::make_shared<File>(with_parent(path))) {
  const auto properties =
      parquet::ArrowWriterProperties::Builder().store_schema()->set_use_threads(false)->build();
  auto opened = parquet::arrow::FileWriter::Open(*schema, arrow::system_memory_pool(), file_,
                                                 table_properties(plain), properties);
  check(opened.status());
  writer_ = std::move(opened).ValueUnsafe();
}

ParquetSink::~ParquetSink() = default;

void ParquetSink::check(const arrow::Status& status) const {
  if (!status.ok()) fail("{}: cannot be written: {}", name_, printable(status.message(), 300));
}

void ParquetSink::write(const std::vector<arrow::ArrayBuilder*>& columns) {
  arrow::ArrayVector arrays;
  for (arrow::ArrayBuilder* builder : columns) {
    std::shared_ptr<arrow::Array> array;
    check(builder->Finish(&array));
    arrays.push_back(std::move(array));
  }
  const auto table = arrow::Table::Make(schema_, arrays);
  if (table->num_rows() > 0) check(writer_->WriteTable(*table, table->num_rows()));
}

void ParquetSink::close(std::string_view key, const std::string& note) {
  check(writer_->AddKeyValueMetadata(arrow::KeyValueMetadata::Make({std::string(key)}, {note})));
  check(writer_->Close());
  file_->file().sync();
}

void ParquetSink::finish() { file_->file().finish(); }

void read_parquet_batches(const fs::path& path, std::string_view what, std::string_view key,
                          const arrow::Schema& schema,
                          const std::function<void(const std::string&)>& take_note,
                          const std::function<void(const arrow::RecordBatch&)>& take_batch) {
  if (const std::string fault = why_unreadable(path); !fault.empty()) fail("{}", fault);
  parquet::ReaderProperties properties(arrow::system_memory_pool());
  properties.set_page_checksum_verification(true);
  parquet::arrow::FileReaderBuilder builder;
  const arrow::Status opened = builder.OpenFile(path.string(), /*memory_map=*/false, properties);
  if (!opened.ok()) fail("{}", printable(opened.message(), 300));
  const auto reader = value_or_fail(builder.memory_pool(arrow::system_memory_pool())->Build());
  const auto metadata = reader->parquet_reader()->metadata();
  const auto& pairs = metadata->key_value_metadata();
  const auto note = pairs == nullptr ? arrow::Result<std::string>(arrow::Status::KeyError(""))
                                     : pairs->Get(std::string(key));
  if (!note.ok()) fail("is not a table of {}: its footer has no {}", what, key);
  take_note(*note);
  int64_t read = 0;
  const auto batches = value_or_fail(reader->GetRecordBatchReader());
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    const arrow::Status status = batches->ReadNext(&batch);
    if (!status.ok()) fail("{}", printable(status.message(), 300));
    if (batch == nullptr) break;
    const arrow::Status whole = batch->ValidateFull();
    if (!whole.ok()) fail("{}", printable(whole.message(), 300));
    if (!batch->schema()->Equals(schema, /*check_metadata=*/false)) {
      fail("expected the columns {}, found {}", schema.ToString(),
           printable(batch->schema()->ToString(), 300));
    }
    take_batch(*batch);
    read += batch->num_rows();
  }
  // A page with a damaged header may be passed over.
  if (read != metadata->num_rows()) fail("expected {} rows, found {}", metadata->num_rows(), read);
}

}  // namespace qk
