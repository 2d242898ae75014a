#include "dataset/head_file_writer.h"

#include <arrow/io/file.h>
#include <arrow/util/io_util.h>
#include <arrow/util/key_value_metadata.h>
#include <fcntl.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "dataset/head_schema.h"
#include "dataset/journal_columns.h"
#include "dataset/row_digest.h"
#include "dataset/schema.h"

namespace qk {
namespace {

class HeadFileWriter {
 public:
  HeadFileWriter(const JournalSet& journal, const HeadRecords& head, std::filesystem::path path,
                 const DatasetOptions& options)
      : journal_(journal), head_(head), path_(std::move(path)), options_(options) {}

  HeadFileSummary write() {
    open();
    RowPieces rows(journal_, head_);
    // List offsets are int32.
    const int64_t limit = std::numeric_limits<int32_t>::max() / head_.layer->head_dim;
    const int64_t rows_per_group = std::clamp(options_.rows_per_group, int64_t{1}, limit);
    for (auto group = rows.take(rows_per_group); !group.empty();
         group = rows.take(rows_per_group)) {
      write_group(group);
    }
    close();
    return std::move(summary_);
  }

 private:
  void check(const arrow::Status& status) const {
    if (status.ok()) return;
    const int reason = arrow::internal::ErrnoFromStatus(status);
    fail("{}: cannot be written: {}", path_.string(),
         reason != 0 ? std::strerror(reason) : printable(status.message()));
  }
  template <typename T>
  T check(arrow::Result<T> result) const {
    check(result.status());
    return std::move(result).ValueUnsafe();
  }

  void open() {
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
      fail("{}: cannot be removed: {}", path_.string(), std::strerror(errno));
    }
    sink_ = check(arrow::io::FileOutputStream::Open(path_.string()));
    schema_ = head_schema(*head_.layer, options_);
    const auto arrow_properties =
        parquet::ArrowWriterProperties::Builder().store_schema()->set_use_threads(false)->build();
    writer_ = check(parquet::arrow::FileWriter::Open(*schema_, pool_, sink_,
                                                     head_properties(options_), arrow_properties));
    std::vector<std::string> keys = {std::string(kFooterFormat)};
    std::vector<std::string> values = {std::string(kDatasetFormat)};
    for (const auto& [key, value] : options_.footer) {
      keys.push_back(key);
      values.push_back(value);
    }
    check(writer_->AddKeyValueMetadata(
        std::make_shared<arrow::KeyValueMetadata>(std::move(keys), std::move(values))));
  }

  void close() {
    check(writer_->Close());
    summary_.rows_digest = digest_.value();
    summary_.bytes = check(sink_->Tell());
    check(sink_->Close());
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = fd >= 0 && ::fsync(fd) == 0;
    const int reason = errno;
    if (fd >= 0) ::close(fd);
    if (!synced) fail("{}: cannot be synced: {}", path_.string(), std::strerror(reason));
  }

  void write_group(const std::vector<RowPiece>& group) {
    check(writer_->NewRowGroup());
    // From the journal, not from the columns: the file is compared with it.
    add_to_digest(journal_, group, options_.compat_reference, digest_);
    for (const std::shared_ptr<arrow::Field>& field : schema_->fields()) {
      const std::shared_ptr<arrow::Array> values =
          gather_column(journal_, *head_.layer, *field, group, pool_);
      if (field->name() == "bucket") count_buckets(*values);
      check(writer_->WriteColumnChunk(*values));
    }
    summary_.rows += count_rows(group);
  }

  void count_buckets(const arrow::Array& values) {
    const auto& buckets = static_cast<const arrow::Int32Array&>(values);
    for (int64_t row = 0; row < buckets.length(); ++row) {
      ++summary_.bucket_counts[buckets.Value(row)];
    }
  }

  const JournalSet& journal_;
  const HeadRecords& head_;
  std::filesystem::path path_;
  const DatasetOptions& options_;
  arrow::MemoryPool* pool_ = arrow::system_memory_pool();
  std::shared_ptr<arrow::io::FileOutputStream> sink_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  HeadFileSummary summary_;
  RowDigest digest_;
};

}  // namespace

HeadFileSummary write_head_file(const JournalSet& journal, const HeadRecords& head,
                                const std::filesystem::path& path, const DatasetOptions& options) {
  try {
    return HeadFileWriter(journal, head, path, options).write();
  } catch (const parquet::ParquetException& exception) {
    fail("{}: cannot be written: {}", path.string(), printable(exception.what()));
  }
}

}  // namespace qk
