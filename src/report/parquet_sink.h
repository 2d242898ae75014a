// A Parquet file that appears whole or not at all. Includes Arrow: for .cc files of this folder only.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <parquet/arrow/writer.h>
#include <parquet/metadata.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

class ParquetSink {
 public:
  // Creates the parent folder and the temporary file. Throws Error if it cannot.
  //   plain  paths of columns of floating-point numbers that are rarely equal: stored byte by byte,
  //          without dictionary and statistics
  ParquetSink(const std::filesystem::path& path, const std::shared_ptr<arrow::Schema>& schema,
              const std::vector<std::string>& plain);
  ~ParquetSink();

  // Throws Error with the path if the status is one.
  void check(const arrow::Status& status) const;
  // A row group of what the builders hold, which are empty afterwards; nothing without rows.
  void write(const std::vector<arrow::ArrayBuilder*>& columns);
  // Adds the text under the key to the footer, and syncs everything to the temporary file.
  void close(std::string_view key, const std::string& note);
  // Renames it into place. REQUIRES: close().
  void finish();

 private:
  class File;
  std::string name_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<File> file_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
};

// Reads such a file batch by batch. Throws Error without the path: what is wrong with the file, or that
// it is not a table of `what`, if the footer has no `key` or the columns are not those of `schema`.
//   take_note   receives the text under the key, first
//   take_batch  receives the rows
void read_parquet_batches(const std::filesystem::path& path, std::string_view what,
                          std::string_view key, const arrow::Schema& schema,
                          const std::function<void(const std::string&)>& take_note,
                          const std::function<void(const arrow::RecordBatch&)>& take_batch);

}  // namespace qk
